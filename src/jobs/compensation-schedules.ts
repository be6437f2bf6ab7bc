import { limits } from '../core/limits.ts';
import type { Compensation } from '../delivery/compensation/compensation.ts';
import type { Schedule } from './schedules.ts';

/**
 * Compensation by itself: every hour what failed for a cause that has passed; every minute what was left of runs by hand
 * whose process has ended.
 */
export function compensationSchedules(compensation: Compensation): Schedule[] {
  return [
    {
      name: 'compensate',
      when: { cron: '0 * * * *' },
      run: async ({ signal }) => void (await compensation.compensateFailed(signal)),
    },
    {
      name: 'compensation-runs',
      when: { everyMs: limits.resumeRunsMs },
      run: () => compensation.resumeRuns(),
    },
  ];
}
