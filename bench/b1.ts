import { deliveries } from './deliveries.ts';
for (const r of await deliveries(3, 8000)) console.log(r, (r.hub / r.floor).toFixed(2));
