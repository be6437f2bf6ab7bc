import { answerConsistency, type ConsistencySource } from '../consistency.ts';
import type { AnswerConsistencyMutation, ConsistencyQuestionsSubscription } from '../generated/operations.ts';
import { askHub, type HubAddress } from '../hub-request.ts';

/** Sets how long the hub may take to take an answer, milliseconds. */
const answerMs = 30_000;

/** The subscription by which the hub asks what is held. */
export const questionsQuery = /* GraphQL */ `
  subscription ConsistencyQuestions($subscriptionId: ID!) {
    consistencyQuestions(subscriptionId: $subscriptionId) { id event from to prefixes }
  }
`;

const answerMutation = /* GraphQL */ `
  mutation AnswerConsistency($questionId: ID!, $answer: JSONObject!) {
    answerConsistency(questionId: $questionId, answer: $answer)
  }
`;

/** A question of the consistency protocol as it comes over the socket. */
export type ConsistencyQuestion = ConsistencyQuestionsSubscription['consistencyQuestions'];

/**
 * Answers a question; one that can't be answered, by the reason. Over HTTP, as an answer may be larger than what the
 * hub takes in a message over the socket.
 * @throws {HubRequestError} where the answer does not get through: the hub asks again
 */
export async function answerQuestion(
  hub: HubAddress,
  source: ConsistencySource,
  { id, event, from, to, prefixes }: ConsistencyQuestion,
): Promise<void> {
  const answer = await answerConsistency({ event, filter: { from, to }, prefixes }, source).catch(
    (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
  );
  const body = JSON.stringify({ query: answerMutation, variables: { questionId: id, answer } });
  await askHub<AnswerConsistencyMutation>(hub, body, { timeoutMs: answerMs });
}
