import { UserError } from '../errors.ts';

/** Turns text into CLIP's token ids. */
export interface ClipTokenizer {
  /** Start token, the text's tokens, end token; as long as the text makes it. */
  encode(text: string): number[];
}

/** The published tokenizer files, parsed; absent where the folder does not have them. */
export interface ClipTokenizerFiles {
  /** `tokenizer.json`. */
  readonly tokenizer?: object;
  /** `tokenizer_config.json`. */
  readonly config?: object;
  /** `vocab.json`: ids by token. */
  readonly vocab?: Readonly<Record<string, number>>;
  /** `merges.txt`, as text. */
  readonly merges?: string;
}

/**
 * CLIP's tokenizer, run by transformers.js: from `tokenizer.json`, or from `vocab.json` and `merges.txt`, which is all that
 * old checkpoints have.
 * @throws {UserError} `CheckpointError`: neither is there, or they are damaged
 */
export async function loadClipTokenizer(files: ClipTokenizerFiles): Promise<ClipTokenizer> {
  const { CLIPTokenizer } = await import('@xenova/transformers');
  const json = files.tokenizer ?? fromVocabulary(files);
  try {
    const tokenizer = new CLIPTokenizer(json, files.config ?? TOKENIZER_CONFIG);
    tokenizer.encode('a');
    return { encode: (text) => tokenizer.encode(text) };
  } catch (error) {
    throw new UserError('CheckpointError', `Cannot read the tokenizer: ${(error as Error).message}`, { cause: error });
  }
}

const START = '<|startoftext|>';
const END = '<|endoftext|>';
const TOKENIZER_CONFIG = { bos_token: START, eos_token: END, pad_token: END, unk_token: END, model_max_length: 77 };

/** What `tokenizer.json` says, for a vocabulary and merges: the pipeline of openai's CLIP (transformers CLIPTokenizer). */
function fromVocabulary({ vocab, merges }: ClipTokenizerFiles): object {
  if (!vocab || merges === undefined) {
    throw new UserError(
      'CheckpointError',
      'The model has no tokenizer: expected tokenizer.json, or vocab.json and merges.txt',
    );
  }
  const idOf = (token: string): number => {
    const id = vocab[token];
    if (id === undefined)
      throw new UserError('CheckpointError', `Cannot load "vocab.json": it has no token "${token}"`);
    return id;
  };
  const words = String.raw`<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`;
  const special = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [START, END].map((content) => ({ id: idOf(content), content, ...special })),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFC' },
        { type: 'Replace', pattern: { Regex: String.raw`\s+` }, content: ' ' },
        { type: 'Lowercase' },
      ],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: words }, behavior: 'Removed', invert: true },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: {
      type: 'RobertaProcessing',
      sep: [END, idOf(END)],
      cls: [START, idOf(START)],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: END,
      continuing_subword_prefix: '',
      end_of_word_suffix: '</w>',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges: merges
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '' && !line.startsWith('#version')),
    },
  };
}
