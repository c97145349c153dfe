/**
 * The body of POST /track. Events are JSON already, one a line of the queue.
 *
 * @param {{source: string, session: string, profile: string, sentAt: string, context: object, lines: string[]}} request
 * @returns {string}
 */
export const writeRequest = ({ source, session, profile, sentAt, context, lines }) =>
  JSON.stringify({
    source: { id: source },
    session: { id: session },
    profile: profile ? { id: profile } : undefined,
    sent_at: sentAt,
    context,
  }).slice(0, -1) + `,"events":[${lines}]}`;
