// Where the reader is, kept in the address after `#`: a view can be bookmarked and sent to a colleague.

import { EVERYTHING, type Query } from "./data/query";

export const TABS = ["overview", "hosts", "waves", "causes", "record"] as const;
export type Tab = (typeof TABS)[number];

export interface Route {
  tab: Tab;
  query: Query;
  /** The instance that is looked at closely. */
  host: string | null;
}

export const HOME: Route = { tab: "overview", query: EVERYTHING, host: null };

export function parse(hash: string): Route {
  const [path, search] = hash.replace(/^#\/?/, "").split("?");
  const tab = TABS.find((tab) => tab === path) ?? "overview";
  const given = new URLSearchParams(search ?? "");
  const facets = new Map<string, ReadonlySet<string>>();
  for (const [name, value] of given) {
    if (!name.startsWith("is.")) continue;
    const column = name.slice(3);
    facets.set(column, new Set([...(facets.get(column) ?? []), value]));
  }
  const sort = given.get("sort");
  return {
    tab,
    host: given.get("host"),
    query: {
      search: given.get("q") ?? "",
      facets,
      sort: sort ? { column: sort.replace(/^-/, ""), down: sort.startsWith("-") } : null,
      group: given.get("group"),
    },
  };
}

export function format(route: Route): string {
  const out = new URLSearchParams();
  const { search, facets, sort, group } = route.query;
  if (search) out.set("q", search);
  for (const [name, values] of facets) for (const value of values) out.append(`is.${name}`, value);
  if (sort) out.set("sort", `${sort.down ? "-" : ""}${sort.column}`);
  if (group) out.set("group", group);
  if (route.host) out.set("host", route.host);
  const text = out.toString();
  return `#/${route.tab}${text ? `?${text}` : ""}`;
}
