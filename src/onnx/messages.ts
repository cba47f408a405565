/** Protobuf messages. */

/** The message with some fields replaced. (A spread would lose the defaults of what the file leaves out: they are on the prototype.) */
export function replaced<T extends object>(message: T, fields: Partial<T>): T {
  return Object.assign(Object.create(Object.getPrototypeOf(message)), message, fields)
}
