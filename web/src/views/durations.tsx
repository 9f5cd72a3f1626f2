// Where the time went: how long each step took on its hosts.

import type { Record } from "../record";
import { count, seconds, words } from "../text";
import { Nothing } from "./parts";

export function Durations({ record }: { record: Record }) {
  const { steps } = record.core;
  if (steps.length === 0) return <Nothing>No step was carried out.</Nothing>;
  // The longest of all would press the rest against the axis: it is told in words.
  const most = Math.max(1, ...steps.map((step) => Math.min(step.max, step.p90 * 1.6)));
  const at = (length: number) => `${Math.min(100, (length / most) * 100)}%`;
  return (
    <table class="durations">
      <thead><tr><th scope="col">Step</th><th scope="col" class="n">Hosts</th><th scope="col" class="draw"><span class="unseen">Drawn</span></th><th scope="col" class="n">Median</th><th scope="col" class="n">90 %</th><th scope="col" class="n">Longest</th></tr></thead>
      <tbody>
        {steps.map((step) => (
          <tr key={step.name}>
            <th scope="row">{words(step.name)}</th>
            <td class="n">{count(step.hosts)}</td>
            <td class="draw"><span class="track" aria-hidden="true">
              <span class="whisker" style={{ width: at(step.max) }} />
              <span class="ninety" style={{ width: at(step.p90) }} />
              <span class="median" style={{ left: at(step.p50) }} />
            </span></td>
            <td class="n">{seconds(step.p50)}</td>
            <td class="n">{seconds(step.p90)}</td>
            <td class="n dim">{seconds(step.max)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
