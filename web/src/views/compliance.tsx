// How compliant the hosts are after patching: baseline by baseline, and what is open by severity.

import type { Compliance } from "../data/format";
import { NONE } from "../data/query";
import { count, line, percent, plural } from "../text";
import { Panel } from "./parts";

const BASELINES_AT_MOST = 8;

export function ComplianceOf({ compliance }: { compliance: Compliance }) {
  const { baselines, severities } = compliance;
  // Where nothing was found out there is nothing to tell.
  if (!baselines.some((baseline) => baseline.judged > 0)) return null;
  const more = baselines.length - BASELINES_AT_MOST;
  return (
    <Panel title="Compliance" wide note="after patching, by baseline">
      <table class="places">
        <thead>
          <tr>
            <th scope="col">Baseline</th><th scope="col" class="n">Not compliant</th><th scope="col" class="n">Not known</th>
            <th scope="col" class="n">Compliant</th><th scope="col" class="n">Open patches</th>
          </tr>
        </thead>
        <tbody>
          {baselines.slice(0, BASELINES_AT_MOST).map(({ name, hosts, judged, compliant, open }) => (
            <tr key={name}>
              <th scope="row">{line(name)}</th>
              <td class={`n${judged > compliant ? " attention" : ""}`}>{judged > compliant ? count(judged - compliant) : "–"}</td>
              <td class="n">{hosts > judged ? count(hosts - judged) : "–"}</td>
              <td class="n">{count(compliant)}{judged > 0 && ` · ${percent(compliant, judged)}`}</td>
              <td class="n">{open > 0 ? count(open) : "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {more > 0 && <p class="more">and {plural(more, "more baseline")}; compliance_totals.csv has them all</p>}
      {severities.length > 0 && (
        <p class="more">Open by severity: {severities.map(({ name, hosts, open }) => `${line(name) || NONE} ${count(open)} on ${plural(hosts, "host")}`).join(" · ")}</p>
      )}
    </Panel>
  );
}
