/** What was, step by step, drawn by uPlot; the same numbers stand in words or a table for who can't see it. */

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

const HEIGHT = 180;
const DAY_S = 86_400;

export function Chart(props: { label: string; times: string[]; values: number[]; unit?: string }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const data = JSON.stringify([props.times, props.values]);
  useEffect(() => {
    const at = place.current;
    if (!at) return;
    const ink = getComputedStyle(at).color;
    const axis = { stroke: ink, grid: { stroke: "#8884", width: 1 }, ticks: { stroke: "#8884", width: 1 } };
    const times = props.times.map((time) => Date.parse(time) / 1000);
    const [first = 0, second = first + DAY_S] = times;
    const step = second - first; // as wide as a bar is, also where there is but one
    const bars = uPlot.paths.bars?.({ size: [0.7] });
    const chart = new uPlot(
      {
        width: at.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false },
        scales: { x: { range: () => [first - step / 2, (times.at(-1) ?? first) + step / 2] }, y: { range: (_, __, most) => [0, most || 1] } },
        axes: [axis, { ...axis, size: 70, values: (_, marks) => marks.map((mark) => `${props.unit ?? ""}${mark}`) }],
        series: [{}, { label: props.label, stroke: "#2a9d8f", fill: "#2a9d8f55", ...(bars ? { paths: bars } : {}) }],
      },
      [times, props.values],
      at,
    );
    const follow = new ResizeObserver(() => chart.setSize({ width: at.clientWidth, height: HEIGHT }));
    follow.observe(at);
    return () => {
      follow.disconnect();
      chart.destroy();
    };
  }, [data]);
  return <div class="chart" ref={place} role="img" aria-label={props.label} />;
}
