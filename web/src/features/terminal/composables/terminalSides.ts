/** Which terminals are shown: one, or two side by side; `active` is the one of them that keys go to. */
export interface TerminalSides {
  ids: readonly string[];
  active: string | null;
}

/** The most terminals side by side. */
const MAX_SIDES = 2;

/** Nothing is shown. */
export const NO_SIDES: TerminalSides = { ids: [], active: null };

/** Shows a terminal: where it is if it is shown already, else in the place of the active one. */
export function select(sides: TerminalSides, id: string): TerminalSides {
  if (sides.ids.includes(id)) return { ids: sides.ids, active: id };
  const ids = sides.active === null ? [id] : sides.ids.map((shown) => (shown === sides.active ? id : shown));
  return { ids, active: id };
}

/** Shows a terminal beside the active one. */
export function showBeside(sides: TerminalSides, id: string): TerminalSides {
  const others = sides.ids.filter((shown) => shown !== id);
  return { ids: [...others, id].slice(-MAX_SIDES), active: id };
}

/** Shows the active terminal alone. */
export function joinSides({ active }: TerminalSides): TerminalSides {
  return { ids: active === null ? [] : [active], active };
}

/** What is left of the sides among the terminals that there are: never nothing while there is one. */
export function keepExisting(sides: TerminalSides, existing: readonly string[]): TerminalSides {
  const ids = sides.ids.filter((id) => existing.includes(id));
  const first = ids[0] ?? existing[0];
  if (first === undefined) return NO_SIDES;
  const active = sides.active !== null && ids.includes(sides.active) ? sides.active : first;
  return { ids: ids.length > 0 ? ids : [first], active };
}
