import type { Json } from '../json.ts';
import { type ComfyGraph, type ComfyLink, type ComfyNode, isLink } from './comfyGraph.ts';

/** Which of the two prompts is looked for. */
export type Role = 'positive' | 'negative';

/** Longer chains of nodes are cut: deeper than any workflow, and far from the end of the stack. */
const maxDepth = 200;

/** Inputs that hold a prompt, the most telling first. A wildcard node's populated text is what was really used. */
const textInputs = [
  'populated_text',
  'text',
  'text_g',
  'text_l',
  't5xxl',
  'clip_l',
  'clip_g',
  'llama',
  'prompt',
  'value',
  'string',
  'String',
  'Text',
  'wildcard_text',
  'base_positive',
  'text_positive',
];

/** Inputs of a text encoder that are texts side by side, all of which are read. */
const encoderInputs = [...textInputs.slice(0, 9), 'text_2', 'text_3'];

/** Inputs on the way to the words that lead away from them. */
const leadingAway =
  /^(model|clip|vae|control_net|controlnet|image|images|pixels|latent|latent_image|samples|mask|style_model|clip_vision|clip_vision_output|gligen_textbox_model|ipadapter|width|height|strength|guidance)$/;

/** Files and other names are no prompts. */
const fileName = /\.(safetensors|ckpt|pt|pth|bin|gguf|png|jpe?g|webp|json|yaml|txt)$/i;

/** Joins texts, leaving out one that another contains: SDXL's two encoders usually read the same words. */
function joined(texts: readonly string[]): string {
  const kept: string[] = [];
  for (const text of texts.map((text) => text.trim()).filter(Boolean)) {
    if (kept.some((other) => other.includes(text))) continue;
    const contained = kept.findIndex((other) => text.includes(other));
    if (contained >= 0) kept[contained] = text;
    else kept.push(text);
  }
  return kept.join(', ');
}

/** Walks one graph backwards from a sampler to the words. Every node is entered once per walk, so loops end. */
export class ComfyWords {
  readonly #graph: ComfyGraph;
  readonly #visited = new Set<string>();

  constructor(graph: ComfyGraph) {
    this.#graph = graph;
  }

  #enter(link: ComfyLink, depth: number): ComfyNode | null {
    const key = `${link.node}/${link.slot}`;
    if (depth > maxDepth || this.#visited.has(key)) return null;
    this.#visited.add(key);
    return this.#graph.get(link.node) ?? null;
  }

  /** The text of an input: typed in, or made by string nodes. */
  #textOf(input: Json | ComfyLink | undefined, role: Role, depth: number): string {
    if (typeof input === 'string') return fileName.test(input.trim()) ? '' : input;
    if (!isLink(input)) return '';
    const node = this.#enter(input, depth);
    if (!node) return '';
    if (/concat|join|combine|append|merge/i.test(node.type)) return this.#concatenated(node, role, depth);
    for (const name of [role, ...textInputs]) {
      const text = this.#textOf(node.inputs.get(name), role, depth + 1);
      if (text.trim() !== '') return text;
    }
    const others = Array.from(node.inputs, ([name, value]) =>
      leadingAway.test(name) ? '' : this.#textOf(value, role, depth + 1),
    );
    return others.reduce((longest, text) => (text.length > longest.length ? text : longest), '');
  }

  #concatenated(node: ComfyNode, role: Role, depth: number): string {
    const isDelimiter = (name: string) => /delimiter|separator|clean_whitespace|linebreak/i.test(name);
    const delimiter = [...node.inputs].find(([name, value]) => isDelimiter(name) && typeof value === 'string')?.[1];
    const texts = [...node.inputs].flatMap(([name, value]) => {
      const text = isDelimiter(name) ? '' : this.#textOf(value, role, depth + 1);
      return text === '' ? [] : [text];
    });
    const between = typeof delimiter === 'string' && !/^(true|false)$/.test(delimiter) ? delimiter : ', ';
    return texts.join(between.replaceAll('\\n', '\n'));
  }

  /** All words that reach a conditioning. */
  #conditioning(link: ComfyLink, role: Role, depth: number): readonly string[] {
    const node = this.#enter(link, depth);
    // Zeroed out: there are no words, whatever was encoded.
    if (!node || /zero_?out/i.test(node.type)) return [];
    const { inputs } = node;
    if (isLink(inputs.get('positive')) && isLink(inputs.get('negative'))) {
      // Nodes that treat both at once (ControlNetApplyAdvanced) give the positive first.
      return this.#conditioning(inputs.get(link.slot === 1 ? 'negative' : 'positive') as ComfyLink, role, depth + 1);
    }
    const own = inputs.get(role);
    if (typeof own === 'string') return [own];
    const texts = encoderInputs.map((name) => this.#textOf(inputs.get(name), role, depth + 1)).filter(Boolean);
    if (texts.length > 0) return [joined(texts)];
    return [...inputs].flatMap(([name, value]) =>
      isLink(value) && !leadingAway.test(name) ? this.#conditioning(value, role, depth + 1) : [],
    );
  }

  /** The words that reach an input of a sampler or guider. */
  reaching(input: Json | ComfyLink | undefined, role: Role): string {
    if (!isLink(input)) return typeof input === 'string' ? input.trim() : '';
    return joined(this.#conditioning(input, role, 0));
  }
}

/** The longest text typed into any node of the graph that looks like an encoder, or into any at all. */
export function longestText(graph: ComfyGraph): string {
  const texts = (nodes: readonly ComfyNode[]) =>
    nodes.flatMap((node) =>
      textInputs.flatMap((name) =>
        typeof node.inputs.get(name) === 'string' ? [node.inputs.get(name) as string] : [],
      ),
    );
  const nodes = [...graph.values()];
  const encoders = nodes.filter(({ type }) => /textencode|prompt/i.test(type));
  for (const candidates of [texts(encoders), texts(nodes)]) {
    const longest = candidates
      .filter((text) => !fileName.test(text.trim()))
      .reduce((best, text) => (text.trim().length > best.length ? text.trim() : best), '');
    if (longest !== '') return longest;
  }
  return '';
}
