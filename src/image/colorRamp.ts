/**
 * Colour ramps for heatmaps: perceptually uniform (equal steps look equally large), rising in lightness alone as well, so
 * that they read the same with any colour vision and in gray.
 */

/** `inferno`: black, violet, red, yellow. `cividis`: blue, gray, yellow; nearly the same for everyone. */
export type RampName = 'inferno' | 'cividis';

/**
 * 65 colours at equal distances, RGB in hex. Computed from matplotlib's tables of the same names (CC0: inferno by
 * N. Smith and S. van der Walt; cividis by J. Nuñez, C. Anderton and R. Renslow); interpolated, within 1/255 (inferno) and
 * 2.2/255 (cividis) of them.
 */
const nodes: Readonly<Record<RampName, string>> = {
  inferno: `
    000004 02010a 040312 07051b 0b0724 10092d 150b37 1a0c40 210c4a 270b53 2e0a5a 360960 3c0965
    430a68 4a0c6b 500e6c 57106d 5d126e 63146e 6a176e 70196e 761b6d 7d1e6d 83206b 89226a 902468
    962766 9c2964 a32b61 a92e5f af315c b53458 bb3755 c13a51 c63e4d cc4149 d14644 d64a40 db4f3b
    df5437 e35932 e75f2d eb6528 ee6b23 f1711e f47819 f67f14 f8860f f98d0a fa9407 fb9c06 fca309
    fcab0f fcb217 fbba1f fac228 f9ca32 f7d23d f5d949 f3e156 f2e865 f1ef75 f3f586 f6fa96 fcffa4`,
  cividis: `
    00224e 002554 00285b 002b62 002e6a 003070 043371 113570 1a386f 213b6e 273e6e 2d416d 32436d
    36466c 3b496c 3f4c6c 434e6c 47516c 4b546c 4f576c 52596d 565c6d 5a5f6e 5d626e 61656f 646770
    686a71 6b6d72 6f7073 727374 757676 797877 7c7b78 807e78 848179 878478 8b8778 8f8a78 938d78
    979077 9b9376 9f9676 a39a75 a79d74 aba072 afa371 b3a670 b7aa6e bbad6c bfb06b c3b469 c8b766
    ccba64 d0be61 d4c15f d9c55c ddc958 e1cc55 e6d051 ead44c efd748 f4db42 f8df3c fde334 fee838`,
};

function sampled(ramp: RampName): Uint8ClampedArray {
  const colors = nodes[ramp].trim().split(/\s+/);
  const channel = (node: number, c: number) => Number.parseInt((colors[node] as string).slice(2 * c, 2 * c + 2), 16);
  const table = new Uint8ClampedArray(256 * 3);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (colors.length - 1);
    const node = Math.min(Math.floor(at), colors.length - 2);
    const t = at - node;
    for (let c = 0; c < 3; c++) table[i * 3 + c] = (1 - t) * channel(node, c) + t * channel(node + 1, c);
  }
  return table;
}

const tables = new Map<RampName, Uint8ClampedArray>();

/** A ramp as 256 colours, `[256, 3]` RGB; the same array every time, not to be written to. */
export function rampTable(ramp: RampName): Uint8ClampedArray {
  const table = tables.get(ramp) ?? sampled(ramp);
  tables.set(ramp, table);
  return table;
}
