// Reading the blocks of the file: base64 of zlib of JSON, in <script type="application/octet-stream">.

import { FORMAT, type Core, type DetailBlock, type Rest } from "./format";

/** Why a file cannot be shown; the text is for people. */
export class Unreadable extends Error {}

async function block(id: string): Promise<unknown> {
  const element = document.getElementById(id);
  if (!element) throw new Unreadable(`The part “${id}” of this file is missing. It may have been cut off on its way.`);
  const packed = bytes(element.textContent ?? "");
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  try {
    return JSON.parse(await new Response(stream).text());
  } catch (cause) {
    throw new Unreadable(`The part “${id}” of this file is damaged: it does not unpack.`, { cause });
  }
}

function bytes(base64: string): Uint8Array<ArrayBuffer> {
  const native = (Uint8Array as unknown as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }).fromBase64;
  try {
    if (native) return native.call(Uint8Array, base64);
    const binary = atob(base64);
    const out = new Uint8Array(binary.length);
    for (let at = 0; at < binary.length; at++) out[at] = binary.charCodeAt(at);
    return out;
  } catch (cause) {
    throw new Unreadable("A part of this file is damaged: it is not base64.", { cause });
  }
}

export async function core(): Promise<Core> {
  const read = (await block("core")) as Core;
  if (read.format !== FORMAT) throw new Unreadable(`This file is of format “${String(read.format)}”; its own program reads ${FORMAT}.`);
  return read;
}

let restRead: Promise<Rest> | undefined;

/** The columns that are not shown at first. Read once. */
export function rest(): Promise<Rest> {
  restRead ??= block("rest") as Promise<Rest>;
  return restRead;
}

/** The last few blocks that were read: moving from host to host stays quick, memory stays small. */
const kept = new Map<number, Promise<DetailBlock>>();
const KEPT_AT_MOST = 8;

export function detail(index: number): Promise<DetailBlock> {
  const found = kept.get(index);
  if (found) return found;
  const read = block(`detail-${index}`) as Promise<DetailBlock>;
  kept.set(index, read);
  if (kept.size > KEPT_AT_MOST) kept.delete(kept.keys().next().value as number);
  return read;
}
