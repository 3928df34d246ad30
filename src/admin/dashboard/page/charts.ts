// The last minutes as lines, by uPlot. A second in which nobody answered is a gap.

import type UPlot from 'uplot';

/** Of the script that the page loads before. */
declare const uPlot: typeof UPlot;

const KEPT_POINTS = 300;
const HEIGHT = 180;
const COLOURS = ['#2f6fde', '#d9822b', '#1d9a6c', '#a04bc8', '#c23b3b', '#6b7a8f'];

export type Value = number | null;

export class Chart {
  readonly #place: HTMLElement;
  readonly #top: number | undefined;
  #names: readonly string[] = [];
  #points: Value[][] = [];
  #times: number[] = [];
  #plot: UPlot | undefined;

  /** @param top the upper end of the scale; by default what is needed. */
  constructor(place: HTMLElement, top?: number) {
    this.#place = place;
    this.#top = top;
    new ResizeObserver(() => this.#plot?.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
  }

  /** @param atSeconds since the epoch; nulls for what is not known. */
  add(atSeconds: number, values: Readonly<Record<string, Value>>): void {
    const names = Object.keys(values);
    for (const name of names) if (!this.#names.includes(name)) this.#addSeries(name);
    this.#times = [...this.#times, atSeconds].slice(-KEPT_POINTS);
    this.#points = this.#points.map((points, index) =>
      [...points, values[this.#names[index]!] ?? null].slice(-KEPT_POINTS),
    );
    this.#plot ??= this.#draw();
    this.#plot.setData([this.#times, ...this.#points]);
  }

  /** Nobody answered. */
  addGap(atSeconds: number): void {
    if (this.#names.length > 0) this.add(atSeconds, {});
  }

  #addSeries(name: string): void {
    this.#names = [...this.#names, name];
    this.#points.push(this.#times.map(() => null));
    this.#plot?.destroy();
    this.#plot = undefined;
  }

  #draw(): UPlot {
    const { color } = getComputedStyle(this.#place);
    const grid = { stroke: 'rgba(128, 128, 128, 0.25)', width: 1 };
    const axis = { stroke: color, grid, ticks: grid };
    const top = this.#top;
    return new uPlot(
      {
        width: this.#place.clientWidth,
        height: HEIGHT,
        series: [
          {},
          ...this.#names.map((label, index) => ({ label, stroke: COLOURS[index % COLOURS.length]!, width: 1.5 })),
        ],
        axes: [axis, axis],
        // What each line says under the pointer would move the page about.
        legend: { live: false },
        scales: { y: { range: (_plot, _low, high) => [0, top ?? Math.max(1, high ?? 0) * 1.1] } },
      },
      [this.#times, ...this.#points],
      this.#place,
    );
  }
}
