// A button with a small window under it: closes on Escape, on a click elsewhere, and when focus leaves.

import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";

export function Popover({ label, number = 0, kind, children }: { label: string; number?: number; kind: string; children: () => ComponentChildren }) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const id = useId();
  // Before anybody can press the next key, focus is where it goes.
  useLayoutEffect(() => {
    if (!open) return;
    const elsewhere = (event: Event) => {
      const [here, target] = [root.current, event.target];
      // A press on a label moves focus to what is around it: that is not elsewhere.
      const around = event.type === "focusin" && target instanceof Node && target.contains(here);
      if (target instanceof Node && !around && !here?.contains(target)) setOpen(false);
    };
    addEventListener("pointerdown", elsewhere);
    addEventListener("focusin", elsewhere);
    // Stay within the window where the button is at its right edge.
    const box = panel.current?.getBoundingClientRect();
    if (box && panel.current && box.right > innerWidth - 8) panel.current.style.left = `${innerWidth - 8 - box.right}px`;
    panel.current?.querySelector<HTMLElement>("input")?.focus();
    return () => {
      removeEventListener("pointerdown", elsewhere);
      removeEventListener("focusin", elsewhere);
    };
  }, [open]);
  const byKey = (event: KeyboardEvent) => {
    if (event.key === "Escape" && open) {
      event.stopPropagation();
      setOpen(false);
      button.current?.focus();
    }
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && open) {
      const fields = [...(panel.current?.querySelectorAll<HTMLElement>("input:not(:disabled)") ?? [])];
      const at = fields.indexOf(document.activeElement as HTMLElement);
      fields[Math.min(fields.length - 1, Math.max(0, at + (event.key === "ArrowDown" ? 1 : -1)))]?.focus();
      event.preventDefault();
    }
  };
  return (
    <div class="popover" ref={root} onKeyDown={byKey}>
      <button type="button" ref={button} class={`button${number > 0 ? " chosen" : ""}`} aria-expanded={open} aria-controls={open ? id : undefined} onClick={() => setOpen(!open)}>
        {label}{number > 0 && <span class="number">{number}</span>}<span class="caret" aria-hidden="true" />
      </button>
      {open && <div class={`panel-under ${kind}`} id={id} ref={panel} role="group" aria-label={label}>{children()}</div>}
    </div>
  );
}
