// Why hosts did not simply succeed, worst first, with what to do.

import type { Going } from "../app";
import type { Record } from "../record";
import { count, line, plural, words } from "../text";
import { Nothing, Panel } from "./parts";

export function Causes({ record, going }: { record: Record; going: Going }) {
  const { gaps } = record.core;
  return (
    <div class="page">
      <Panel title="Causes" wide note={plural(record.core.errors.length, "code")}><CauseTable record={record} going={going} /></Panel>
      <Panel title="Could not be read" wide note="hosts there are not in the run">
        {gaps.length === 0 ? <Nothing>Everything could be read.</Nothing> : (
          <table class="plain">
            <thead><tr><th scope="col">Where</th><th scope="col">What</th><th scope="col">Code</th><th scope="col">Cause</th></tr></thead>
            <tbody>{gaps.map((gap, at) => (
              <tr key={at}><td>{line([gap.zone, gap.region].filter(Boolean).join(" / ") || "everywhere")}</td><td>{line(gap.subject)}</td><td><code>{line(gap.code)}</code></td><td class="words">{line(gap.message)}</td></tr>
            ))}</tbody>
          </table>
        )}
      </Panel>
      <LeftOutPanel record={record} />
    </div>
  );
}

const LEFT_OUT_SHOWN = 200;

function LeftOutPanel({ record }: { record: Record }) {
  const { left_out } = record.core;
  return (
    <Panel title="Left out by the plan" wide note={plural(left_out.length, "host")}>
      {left_out.length === 0 ? <Nothing>The plan took every host of the selection.</Nothing> : (
        <>
          <div class="scroll" tabIndex={0} role="region" aria-label="Hosts left out by the plan">
            <table class="plain">
              <thead><tr><th scope="col">Instance</th><th scope="col">Name</th><th scope="col">Where</th><th scope="col">Codes</th><th scope="col">Detail</th></tr></thead>
              <tbody>{left_out.slice(0, LEFT_OUT_SHOWN).map((host) => (
                <tr key={host.instance_id}><td><code>{line(host.instance_id)}</code></td><td>{line(host.name ?? "")}</td><td>{line(`${host.zone} / ${host.region}`)}</td><td>{host.codes.map((code) => <code key={code}>{line(code)}</code>)}</td><td class="words">{line(host.detail ?? "")}</td></tr>
              ))}</tbody>
            </table>
          </div>
          {left_out.length > LEFT_OUT_SHOWN && <p class="more">and {count(left_out.length - LEFT_OUT_SHOWN)} more, which the JSON and CSV reports list.</p>}
        </>
      )}
    </Panel>
  );
}

const SUBJECTS: { [subject: string]: string } = { left_out: "left out", gap: "not read" };

type Cause = Record["core"]["errors"][number];

/** How many it is about: instances of the run that met it, or those that are not in it because of it. */
const reach = (cause: Cause) => (cause.subject === "host" ? cause.hosts : cause.decided);

/** What became of hosts of the run first, then what was not read, then who was left out; each as the record has it. */
const ORDER = ["host", "gap", "left_out"];
const inOrder = (causes: readonly Cause[]) => [...causes].sort((a, b) => ORDER.indexOf(a.subject) - ORDER.indexOf(b.subject));

export function CauseTable({ record, going, atMost }: { record: Record; going?: Going; atMost?: number }) {
  const errors = inOrder(record.core.errors);
  if (errors.length === 0) return <Nothing>Nothing went wrong.</Nothing>;
  const shown = atMost === undefined ? errors : errors.slice(0, atMost);
  const most = Math.max(...errors.map(reach), 1);
  return (
    <>
      <table class="causes">
        <thead><tr><th scope="col">Cause</th><th scope="col">Class</th><th scope="col" class="n">Hosts</th><th scope="col">What to do</th></tr></thead>
        <tbody>
          {shown.map((cause) => (
            <tr key={cause.subject + cause.code}>
              <th scope="row">
                {going && cause.subject === "host" && cause.decided > 0 ? <button type="button" class="link" title={line(cause.meaning)} onClick={() => going.hostsWith("code", cause.code)}>{line(cause.title || cause.code)}</button> : <span title={line(cause.meaning)}>{line(cause.title || cause.code)}</span>}
                <code>{line(cause.code)}</code>
              </th>
              <td>{(cause.class ?? SUBJECTS[cause.subject]) && <span class="tag">{words(line(cause.class ?? SUBJECTS[cause.subject] ?? ""))}</span>}</td>
              <td class="n"><span class="weight" aria-hidden="true" style={{ width: `${(reach(cause) / most) * 48}px` }} />{count(reach(cause))}</td>
              <td class="words">{line(cause.next_step)}{cause.example && <span class="example" title="The first message, as an example">{line(cause.example)}</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length < errors.length && <p class="more">and {count(errors.length - shown.length)} more{going && <>: <button type="button" class="link" onClick={() => going.to({ tab: "causes" })}>all causes</button></>}</p>}
    </>
  );
}
