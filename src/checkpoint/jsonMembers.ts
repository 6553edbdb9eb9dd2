/** One member of a JSON object, still text. */
export interface JsonMember {
  /** `"name": value` */
  readonly text: string;
  /** Keys directly inside the value: more than the parsed value has where the file repeats one. */
  readonly keysInside: number;
}

/** Limits of {@link splitJsonMembers}. */
export interface JsonMemberLimits {
  /** Nested objects and arrays, the outermost included. */
  readonly depth: number;
  /** UTF-16 units of one member. */
  readonly memberLength: number;
  /** Commas and colons inside one member: `JSON.parse` makes up to a hundred bytes of the two of `[],`. */
  readonly separators: number;
}

/**
 * Splits one JSON object, arriving in pieces, into the texts of its members, so that a header of up to 100 MB is checked
 * member by member and never held whole: `JSON.parse` would first build whatever a hostile file asks for. Only the
 * boundaries are found here; whether each member is JSON is for `JSON.parse` to say.
 * @throws {SyntaxError} the detail of what is wrong
 */
export async function* splitJsonMembers(
  pieces: AsyncIterable<string>,
  limits: JsonMemberLimits,
): AsyncGenerator<JsonMember> {
  let depth = 0;
  let closed = false;
  let inString = false;
  let escaped = false;
  let carried = '';
  let keysInside = 0;
  let separators = 0;
  let members = 0;

  for await (const piece of pieces) {
    let start = 0;
    for (let i = 0; i < piece.length; i++) {
      const character = piece[i] as string;
      if (inString) {
        if (escaped) escaped = false;
        else if (character === '\\') escaped = true;
        else if (character === '"') inString = false;
        continue;
      }
      if (depth === 0) {
        if (character === '{' && !closed) {
          depth = 1;
          start = i + 1;
        } else if (!(closed && isSpace(character))) {
          throw new SyntaxError(closed ? 'something follows the closing brace' : 'it does not start with "{"');
        }
        continue;
      }
      switch (character) {
        case '"':
          inString = true;
          break;
        case ':':
          if (depth === 2) keysInside++;
          separators++;
          break;
        case ',':
          separators++;
          break;
        case '{':
        case '[':
          if (++depth > limits.depth) throw new SyntaxError(`it is nested more than ${limits.depth} deep`);
          break;
        case '}':
        case ']':
          depth--;
          if (depth === 0 && character === ']') throw new SyntaxError('it ends with "]"');
          break;
      }
      if (separators > limits.separators) {
        throw new SyntaxError(`one entry has more than ${limits.separators} commas and colons`);
      }
      const ended = depth === 0;
      if (!ended && !(depth === 1 && character === ',')) continue;
      const text = carried + piece.slice(start, i);
      if (text.length > limits.memberLength) throw tooLong(limits);
      // `{}` has no member; after a comma there must be one, and JSON.parse will say so.
      if (!(ended && members === 0 && text.trim() === '')) yield { text, keysInside };
      members++;
      carried = '';
      start = i + 1;
      keysInside = 0;
      separators = 0;
      closed = ended;
    }
    if (!closed) carried += piece.slice(start);
    if (carried.length > limits.memberLength) throw tooLong(limits);
  }
  if (!closed) throw new SyntaxError('it is not closed');
}

function tooLong(limits: JsonMemberLimits): SyntaxError {
  return new SyntaxError(`one entry is longer than ${limits.memberLength} characters`);
}

function isSpace(character: string): boolean {
  return character === ' ' || character === '\n' || character === '\r' || character === '\t';
}
