/**
 * One piece of work at a time, in the order asked for, and before each a moment in which messages are read: a run of ONNX Runtime blocks its
 * thread, so that an abort is heard, and a quick question slips in, between two runs of a long method.
 */
export function turns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  // by a timer, behind which messages that wait come first; a channel of our own would overtake them
  const messagesRead = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))
  return (work) => {
    const mine = last.then(messagesRead).then(work)
    last = mine.catch(() => undefined)
    return mine
  }
}
