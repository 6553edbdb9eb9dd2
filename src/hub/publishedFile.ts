/** One file of a public repository, and where it belongs in a model's folder. */
export interface PublishedFile {
  /** Path in the model's folder (hub layout), e.g. `vae/config.json`. */
  readonly path: string;
  /** `hub`: the Hugging Face hub or a mirror of it; `github`: files of a public GitHub repository; `app`: served with the app. */
  readonly host: 'hub' | 'github' | 'app';
  /** `owner/name`. */
  readonly repository: string;
  /**
   * The commit; a branch only where the commit could not be known when the manifest was written. Of the app's own files 40 hex
   * digits that change with their contents.
   */
  readonly revision: string;
  /** Path in the repository; of the app's own files below its folder of public files. */
  readonly file: string;
  /** Length in bytes; null: learned from the server. */
  readonly bytes: number | null;
  /** SHA-256 in hex, where its host publishes one; null: learned from the server, if it tells. */
  readonly sha256: string | null;
  /** May be absent in the repository: then it is left out. */
  readonly optional?: true;
}

/** A published file whose host was asked: commit, length and address are known. */
export interface ResolvedFile extends PublishedFile {
  readonly bytes: number;
  /** Address that answers range requests. */
  readonly url: string;
}

/** Where and as whom to ask. */
export interface HubAccess {
  /** The hub or a mirror of it, without a trailing slash, e.g. `https://huggingface.co`. */
  readonly endpoint: string;
  /** For gated repositories; sent to `endpoint` alone, never stored by what reads it. */
  readonly token: string | null;
}

/** How far the one stream over a file has come; serialises as JSON. */
export interface StreamState {
  /** Bytes hashed so far, from the file's start. */
  readonly position: number;
  /** State of the running SHA-256 after them, as the hash library saves it, in base64; null where nothing is to be compared. */
  readonly hash: string | null;
}
