import type { Json } from '../json.ts';
import { parseBoundedJson } from './boundedJson.ts';
import {
  type ComfyGraph,
  type ComfyLink,
  type ComfyNode,
  graphOfPrompt,
  graphOfWorkflow,
  isLink,
} from './comfyGraph.ts';
import { ComfyWords, longestText } from './comfyWords.ts';
import type { ParsedGeneration } from './generationMetadata.ts';

/** Whether a node denoises: it has a conditioning and a latent, or a guider. */
function isSampler({ type, inputs }: ComfyNode): boolean {
  if (isLink(inputs.get('guider'))) return true;
  const hasLatent = ['latent_image', 'latent', 'samples', 'latents'].some((name) => isLink(inputs.get(name)));
  return inputs.has('positive') && (hasLatent || /sampler/i.test(type));
}

/** Nodes that put the image out: those that save it first, then previews; the later ones first. */
function outputsOf(graph: ComfyGraph): readonly ComfyNode[] {
  const nodes = [...graph.values()].reverse();
  const takesImage = ({ inputs }: ComfyNode) => isLink(inputs.get('images')) || isLink(inputs.get('image'));
  const saves = nodes.filter((node) => /save/i.test(node.type) && takesImage(node));
  const previews = nodes.filter((node) => /preview|output|display/i.test(node.type) && takesImage(node));
  return [...saves, ...previews];
}

/** The samplers an output depends on, the nearest first. */
function samplersBefore(output: ComfyNode, graph: ComfyGraph): readonly ComfyNode[] {
  const seen = new Set([output.id]);
  const queue = [output];
  for (const node of queue) {
    for (const input of node.inputs.values()) {
      const next = isLink(input) && !seen.has(input.node) ? graph.get(input.node) : undefined;
      if (!next) continue;
      seen.add(next.id);
      queue.push(next);
    }
  }
  return queue.filter(isSampler);
}

/** Samplers in the order they are asked: those before an output, then all from the last to the first. */
function samplersOf(graph: ComfyGraph): readonly ComfyNode[] {
  const byOutput = outputsOf(graph).flatMap((output) => samplersBefore(output, graph));
  const byPlace = [...graph.values()].filter(isSampler).reverse();
  return [...new Set([...byOutput, ...byPlace])];
}

/** The node that holds a sampler's conditionings: itself, or its guider. */
function guiderOf(sampler: ComfyNode, graph: ComfyGraph): ComfyNode {
  const guider = sampler.inputs.get('guider');
  return (isLink(guider) ? graph.get(guider.node) : undefined) ?? sampler;
}

const settingNames = [
  'seed',
  'noise_seed',
  'steps',
  'cfg',
  'guidance',
  'sampler_name',
  'scheduler',
  'denoise',
  'add_noise',
  'start_at_step',
  'end_at_step',
];
const modelNames = ['ckpt_name', 'unet_name', 'model_name'];

/** A setting that is typed in, or comes from a node that holds one value. */
function typedValue(input: Json | ComfyLink | undefined, name: string, graph: ComfyGraph): string | undefined {
  let value = input;
  if (isLink(value)) {
    const holder = graph.get(value.node);
    value = holder?.inputs.get(name) ?? holder?.inputs.get('value') ?? holder?.inputs.get('seed');
  }
  return typeof value === 'number' || typeof value === 'string' ? String(value).slice(0, 200) : undefined;
}

function settingsOf(sampler: ComfyNode, graph: ComfyGraph): Record<string, string> {
  const parts = ['noise', 'guider', 'sampler', 'sigmas'].flatMap((name) => {
    const input = sampler.inputs.get(name);
    return (isLink(input) && graph.get(input.node)) || [];
  });
  const settings: Record<string, string> = {};
  for (const node of [sampler, ...parts]) {
    for (const name of settingNames) {
      const value = typedValue(node.inputs.get(name), name, graph);
      if (value !== undefined) settings[name] ??= value;
    }
  }
  for (const node of graph.values()) {
    for (const name of modelNames) {
      const value = node.inputs.get(name);
      if (typeof value === 'string') settings.model ??= value.slice(0, 200);
    }
  }
  return settings;
}

/**
 * Finds the prompt in a ComfyUI graph: from the node that saves the image back to the nearest sampler, and from its positive
 * and negative conditioning back to the words, through whatever combines, weighs or joins them. Where that finds nothing,
 * the longest text in the graph.
 *
 * @returns null if the graph has no words at all
 */
export function parseComfyGraph(graph: ComfyGraph): ParsedGeneration | null {
  for (const sampler of samplersOf(graph)) {
    const { inputs } = guiderOf(sampler, graph);
    const positive = ['positive', 'conditioning', 'cond1', 'cond']
      .map((name) => inputs.get(name))
      .find((input) => input !== undefined);
    const prompt = new ComfyWords(graph).reaching(positive, 'positive');
    if (prompt === '') continue;
    const negative = new ComfyWords(graph).reaching(inputs.get('negative'), 'negative');
    return {
      source: 'ComfyUI',
      prompt,
      ...(negative ? { negativePrompt: negative } : {}),
      settings: settingsOf(sampler, graph),
    };
  }
  const prompt = longestText(graph);
  return prompt === '' ? null : { source: 'ComfyUI', prompt, settings: {} };
}

/**
 * Reads what ComfyUI writes: `prompt` (the graph that was run) and `workflow` (the graph in the editor).
 *
 * @param texts all texts of the file by keyword
 * @returns null if the file has no graph, or one without words
 */
export function parseComfyUI(texts: ReadonlyMap<string, string>): ParsedGeneration | null {
  const run = graphOfPrompt(parseBoundedJson(texts.get('prompt') ?? ''));
  const found = run && parseComfyGraph(run);
  if (found) return found;
  const drawn = graphOfWorkflow(parseBoundedJson(texts.get('workflow') ?? ''));
  return drawn && parseComfyGraph(drawn);
}
