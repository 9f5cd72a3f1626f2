// What the drawer shows of one host, part by part.

import type { Detail, Step } from "../data/detail";
import { NOT_CHECKED } from "../data/table";
import type { Record } from "../record";
import { block, hours, line, seconds, words, clock } from "../text";
import { Facts, Nothing } from "./parts";
import { ResultSign } from "./signs";
import { Gates } from "./waves";

export function Steps({ detail }: { detail: Detail }) {
  const { steps } = detail;
  if (steps.length === 0) return <Nothing>Nothing was done to this host.</Nothing>;
  const from = Math.min(...steps.map((step) => step.start));
  const until = Math.max(from + 1, ...steps.map((step) => step.end ?? step.start));
  const share = (length: number) => `${(length / (until - from)) * 100}%`;
  return (
    <ol class="steps">
      {steps.map((step, at) => {
        const length = (step.end ?? until) - step.start;
        return (
          <li key={at} class={`is-${step.outcome}${step.undo ? " undo" : ""}`}>
            <ResultSign result={step.outcome} />
            <div class="step-head">
              <b>{words(line(step.name))}</b>
              {step.undo && <span class="tag">way back</span>}
              {step.attempt > 1 && <span class="tag">attempt {step.attempt}</span>}
              <span class="result">{words(step.outcome)}</span>
              <span class="when">{hours(step.start, true)}</span>
              <span class="took">{step.end === null ? "…" : seconds(length)}</span>
            </div>
            <div class="track" aria-hidden="true"><span style={{ left: share(step.start - from), width: `max(2px, ${share(length)})` }} /></div>
            <StepWords step={step} />
          </li>
        );
      })}
    </ol>
  );
}

function StepWords({ step }: { step: Step }) {
  if (!step.code && !step.message && !step.handle) return null;
  return (
    <div class="step-words">
      {step.code && <code>{line(step.code)}</code>}
      {step.message && <pre>{block(step.message)}</pre>}
      {step.handle && <span class="dim mono handle">{line(step.handle)}</span>}
    </div>
  );
}

export function Checks({ detail }: { detail: Detail }) {
  if (detail.said.length + detail.findings.length === 0) return <Nothing>No check was kept for this host.</Nothing>;
  return (
    <>
      {detail.said.length > 0 && <Facts of={detail.said.map(({ label, text }) => [label, line(text)])} />}
      <section>
        <h3>Found before patching</h3>
        {detail.findings.length === 0 ? <Nothing>No finding: what was looked at was in order.</Nothing> : (
          <ul class="checks findings">
            {detail.findings.map((finding, at) => (
              <li key={at} class={`is-${finding.severity}`}>
                <ResultSign result={finding.severity} />
                <div>
                  <b>{words(line(finding.check))}</b>{finding.subject && <span class="mono"> {line(finding.subject)}</span>} <span class="result">{words(finding.severity)}</span>
                  <p>{line(finding.observed)}{finding.limit && <span class="dim"> · wanted: {line(finding.limit)}</span>}</p>
                  {finding.action && <p class="dim">{line(finding.action)}</p>}
                </div>
              </li>
            ))}
          </ul>
        )}
      </section>
    </>
  );
}

export function Changes({ detail }: { detail: Detail }) {
  if (detail.changes.length === 0) return null;
  return (
    <section>
      <h3>After, compared with before</h3>
      <table class="plain changes">
        <thead><tr><th scope="col">What</th><th scope="col">Before</th><th scope="col">After</th></tr></thead>
        <tbody>{detail.changes.map((change, at) => (
          <tr key={at} class={`is-${change.weight}`}>
            <th scope="row"><ResultSign result={change.weight} />{words(line(change.kind))} {change.subject && <span class="mono">{line(change.subject)}</span>} <span class="dim">{words(line(change.weight))}</span></th>
            <td class="mono">{line(change.before) || "–"}</td><td class="mono">{line(change.after) || "–"}</td>
          </tr>
        ))}</tbody>
      </table>
    </section>
  );
}

export function Patches({ detail }: { detail: Detail }) {
  return (
    <>
      {detail.counts.length === 0 ? <Nothing>Nothing is known of its patches.</Nothing> : (
        <table class="plain counts">
          <thead><tr><th scope="col">Patches</th><th scope="col" class="n">Before</th><th scope="col" class="n">After</th></tr></thead>
          <tbody>{detail.counts.map((row) => <tr key={row.label}><th scope="row">{line(row.label)}</th><td class="n">{row.before ?? "–"}</td><td class="n">{row.after ?? "–"}</td></tr>)}</tbody>
        </table>
      )}
      {detail.patches.length > 0 && (
        <section>
          <h3>Patch by patch</h3>
          <table class="plain patches">
            <thead><tr><th scope="col">Patch</th><th scope="col">Severity</th><th scope="col">State</th></tr></thead>
            <tbody>{detail.patches.map((patch, at) => (
              <tr key={at}>
                <th scope="row">{line(patch.kb || patch.title)}{patch.kb && <span class="dim">{line(patch.title)}</span>}{patch.cves && <span class="mono dim">{line(patch.cves)}</span>}</th>
                <td>{line(patch.severity)}<span class="dim">{line(patch.classification)}</span></td>
                <td class={`patch-state is-${patch.state.toLowerCase()}`}>{words(line(patch.state.toLowerCase()))}{patch.installedAt !== null && <span class="dim">{clock(patch.installedAt)}</span>}</td>
              </tr>
            ))}</tbody>
          </table>
        </section>
      )}
      {detail.patches.length === 0 && detail.counts.length > 0 && <p class="more">Single patches are kept for hosts whose patches are not all in order.</p>}
      {detail.patchesIncomplete && <p class="more">There may be more: {line(detail.patchesIncomplete)}</p>}
    </>
  );
}

export function Outputs({ detail, run }: { detail: Detail; run: string }) {
  if (detail.outputs.length === 0) return <Nothing>No output of this host was kept.</Nothing>;
  const name: { [taken: string]: string } = { pre: "Before patching", post: "After patching" };
  return (
    <>
      {[...new Set(detail.outputs.map((output) => output.taken))].map((taken) => (
        <section key={taken}>
          <h3>{name[taken] ?? words(line(taken))}</h3>
          <ul class="outputs">{detail.outputs.filter((output) => output.taken === taken).map((output) => <li key={output.key}><b>{line(output.file)}</b><code>{line(output.key)}</code></li>)}</ul>
        </section>
      ))}
      <p class="more">These files lie in the artefacts of {line(run)}, and in its bundle (<code>fleetwright export {line(run)}</code>).</p>
    </>
  );
}

export function Decisions({ record, wave }: { record: Record; wave: string }) {
  const gates = record.core.gates.filter((gate) => gate.wave === null || gate.wave === wave);
  if (gates.length === 0) return <Nothing>Nobody was asked about this host’s wave.</Nothing>;
  return <Gates gates={gates} />;
}

export function Inventory({ record, row }: { record: Record; row: number }) {
  const columns = record.table.columns.filter((column) => column.loaded);
  const parts = [...new Set(columns.map((column) => column.group))];
  return (
    <>
      {parts.map((part) => (
        <section key={part}>
          <h3>{words(part)}</h3>
          <Facts of={columns.filter((column) => column.group === part && column.type !== "tags").map((column) => {
            const cell = column.cell(row);
            return [column.title, cell === null ? <span class="dim">–</span> : <span class={cell === NOT_CHECKED ? "dim" : ""}>{line(column.text(row))}</span>];
          })} />
          {columns.filter((column) => column.group === part && column.type === "tags").map((column) => <Tags key={column.name} text={column.text(row)} />)}
        </section>
      ))}
    </>
  );
}

function Tags({ text }: { text: string }) {
  let tags: [string, unknown][] = [];
  try {
    const read: unknown = JSON.parse(text);
    if (read !== null && typeof read === "object") tags = Object.entries(read);
  } catch {
    return null;
  }
  if (tags.length === 0) return null;
  return (
    <table class="plain tags">
      <thead><tr><th scope="col">Tag</th><th scope="col">Value</th></tr></thead>
      <tbody>{tags.map(([key, value]) => <tr key={key}><th scope="row">{line(key)}</th><td>{line(String(value))}</td></tr>)}</tbody>
    </table>
  );
}
