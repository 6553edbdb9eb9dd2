import type { Json } from '../json.ts';
import { isArray, isObject, member } from './boundedJson.ts';

/** An output of another node. */
export interface ComfyLink {
  readonly node: string;
  readonly slot: number;
}

/** One node: what it is and what goes into it, typed in or linked. */
export interface ComfyNode {
  readonly id: string;
  /** Its class, e.g. `CLIPTextEncode`. */
  readonly type: string;
  readonly inputs: ReadonlyMap<string, Json | ComfyLink>;
}

/** A ComfyUI graph, nodes by id in the file's order. */
export type ComfyGraph = ReadonlyMap<string, ComfyNode>;

/** More nodes than any workflow has. */
const maxNodes = 10_000;

/** Whether an input comes from another node. */
export function isLink(input: Json | ComfyLink | undefined): input is ComfyLink {
  return typeof input === 'object' && input !== null && 'slot' in input && 'node' in input;
}

/** A link as the `prompt` has it: `["6", 0]`. */
function linkOf(value: Json): ComfyLink | null {
  if (!isArray(value) || value.length !== 2) return null;
  const [node, slot] = value;
  if ((typeof node !== 'string' && typeof node !== 'number') || typeof slot !== 'number') return null;
  return { node: String(node), slot };
}

/**
 * The graph in `prompt`, the format of ComfyUI's API: `{ "3": { "class_type": "KSampler", "inputs": { … } } }`.
 *
 * @returns null if there is no node in it
 */
export function graphOfPrompt(prompt: Json | undefined): ComfyGraph | null {
  if (!isObject(prompt)) return null;
  const graph = new Map<string, ComfyNode>();
  for (const [id, node] of Object.entries(prompt).slice(0, maxNodes)) {
    const type = member(node, 'class_type');
    const inputs = member(node, 'inputs');
    if (typeof type !== 'string') continue;
    const entries = isObject(inputs) ? Object.entries(inputs) : [];
    graph.set(id, { id, type, inputs: new Map(entries.map(([name, value]) => [name, linkOf(value) ?? value])) });
  }
  return graph.size > 0 ? graph : null;
}

/** The links of a workflow by id: `[id, from, fromSlot, to, toSlot, type]`, or objects in newer files. */
function workflowLinks(links: Json | undefined): ReadonlyMap<string, ComfyLink> {
  const byId = new Map<string, ComfyLink>();
  for (const link of isArray(links) ? links : []) {
    const [id, node, slot] = isArray(link)
      ? link
      : [member(link, 'id'), member(link, 'origin_id'), member(link, 'origin_slot')];
    if (id !== undefined && node !== undefined && typeof slot === 'number') {
      byId.set(String(id), { node: String(node), slot });
    }
  }
  return byId;
}

/** Names for typed-in texts where the file gives only their order. */
function widgetTexts(widgets: Json | undefined): readonly (readonly [string, Json])[] {
  if (isObject(widgets)) return Object.entries(widgets);
  const texts = (isArray(widgets) ? widgets.flat() : []).filter((value) => typeof value === 'string');
  return texts.map((text, i) => [i === 0 ? 'text' : `text_${i + 1}`, text]);
}

/** Nodes switched off by the user have this mode. */
const mutedMode = 2;

/**
 * The graph in `workflow`, the editor's own format, which some files carry alone: nodes with `widgets_values` in order but
 * without names. What is typed in is therefore named `text`, `text_2` and so on.
 *
 * @returns null if there is no node in it
 */
export function graphOfWorkflow(workflow: Json | undefined): ComfyGraph | null {
  const nodes = member(workflow, 'nodes');
  if (!isArray(nodes)) return null;
  const links = workflowLinks(member(workflow, 'links'));
  const graph = new Map<string, ComfyNode>();
  for (const node of nodes.slice(0, maxNodes)) {
    const [id, type] = [member(node, 'id'), member(node, 'type')];
    if ((typeof id !== 'string' && typeof id !== 'number') || typeof type !== 'string') continue;
    if (member(node, 'mode') === mutedMode) continue;
    const inputs = new Map<string, Json | ComfyLink>(widgetTexts(member(node, 'widgets_values')));
    const sockets = member(node, 'inputs');
    for (const socket of isArray(sockets) ? sockets : []) {
      const name = member(socket, 'name');
      const link = links.get(String(member(socket, 'link')));
      if (typeof name === 'string' && link) inputs.set(name, link);
    }
    graph.set(String(id), { id: String(id), type, inputs });
  }
  return graph.size > 0 ? graph : null;
}
