import { Compartment, RangeSetBuilder, StateEffect, StateField, type Extension, type Text } from '@codemirror/state';
import type { LineRange } from '#shared/domain/textLines.ts';
import { Decoration, EditorView, gutter, GutterMarker, keymap, WidgetType, type DecorationSet } from '@codemirror/view';

/** Where the page puts what stands below a line: called with the element when it appears and with null when it goes. */
export type SlotListener = (line: number, element: HTMLElement | null) => void;

/** Below which lines there are places, and which lines are marked in the gutter. */
export interface SlotLines {
  below: ReadonlySet<number>;
  marked: ReadonlySet<number>;
}
const setLines = StateEffect.define<SlotLines>();
const setHeight = StateEffect.define<{ line: number; height: number }>();

/** An empty place below a line. The page draws into it; CodeMirror only keeps it in position. */
class LineSlot extends WidgetType {
  private readonly line: number;
  private readonly height: number;
  private readonly listener: SlotListener;
  private static readonly observers = new WeakMap<HTMLElement, ResizeObserver>();

  constructor(place: { line: number; height: number }, listener: SlotListener) {
    super();
    this.line = place.line;
    this.height = place.height;
    this.listener = listener;
  }
  override get estimatedHeight(): number {
    return this.height;
  }
  override eq(other: LineSlot): boolean {
    return other.line === this.line && other.height === this.height;
  }
  /** Only the height has changed: the element and what the page drew into it stay. */
  override updateDOM(element: HTMLElement): boolean {
    return element.dataset['line'] === String(this.line);
  }
  override toDOM(view: EditorView): HTMLElement {
    const element = document.createElement('div');
    element.dataset['line'] = String(this.line);
    // A short text fills its view, so CodeMirror cannot see that a place has grown: tell it, or clicks land on other lines.
    const observer = new ResizeObserver(() => {
      view.dispatch({ effects: setHeight.of({ line: this.line, height: element.offsetHeight }) });
    });
    observer.observe(element);
    LineSlot.observers.set(element, observer);
    this.listener(this.line, element);
    return element;
  }
  override destroy(element: HTMLElement): void {
    LineSlot.observers.get(element)?.disconnect();
    this.listener(this.line, null);
  }
  override ignoreEvent(): boolean {
    return true;
  }
}

interface SlotState extends SlotLines {
  heights: ReadonlyMap<number, number>;
  slots: DecorationSet;
}
const NO_SLOTS: SlotState = { below: new Set(), marked: new Set(), heights: new Map(), slots: Decoration.none };

function placeSlots(state: Omit<SlotState, 'slots'>, doc: Text, listener: SlotListener): SlotState {
  const builder = new RangeSetBuilder<Decoration>();
  const lines = [...state.below].filter((line) => line <= doc.lines);
  for (const line of lines.toSorted((left, right) => left - right)) {
    const widget = new LineSlot({ line, height: state.heights.get(line) ?? -1 }, listener);
    const { to } = doc.line(line);
    builder.add(to, to, Decoration.widget({ widget, block: true, side: 1 }));
  }
  return { ...state, slots: builder.finish() };
}

class CommentMarker extends GutterMarker {
  private readonly marked: boolean;

  constructor(marked: boolean) {
    super();
    this.marked = marked;
  }
  override eq(other: CommentMarker): boolean {
    return other.marked === this.marked;
  }
  override toDOM(): HTMLElement {
    const element = document.createElement('span');
    element.className = this.marked ? 'line-mark has-comments' : 'line-mark';
    element.textContent = this.marked ? '●' : '+';
    return element;
  }
}
const MARKED = new CommentMarker(true);
const UNMARKED = new CommentMarker(false);

/** The lines that the selection touches; one that ends before a line's first letter does not touch it. */
function selectedLines({ state }: EditorView): LineRange {
  const { from, to } = state.selection.main;
  const [first, last] = [state.doc.lineAt(from), state.doc.lineAt(to)];
  return { first: first.number, last: to > from && to === last.from ? last.number - 1 : last.number };
}

/** Whether the view asks for comments, and what it is called. */
export interface LineRights {
  canComment: boolean;
  label: string;
}

/**
 * Lets a page put elements below lines of one view, and asks for a comment on a line or on those that are selected: by a
 * click in the gutter (with Shift from the cursor to there), or `c` on the line with the cursor. `allow` changes the
 * rights of the view where it stands.
 */
export function lineSlots(options: { slot: SlotListener; ask: (range: LineRange) => void }): {
  extension(rights: LineRights): Extension;
  allow(view: EditorView, rights: LineRights): void;
} {
  const rightsSlot = new Compartment();
  const field = StateField.define<SlotState>({
    create: () => NO_SLOTS,
    update(state, transaction) {
      let next: Omit<SlotState, 'slots'> = state;
      for (const effect of transaction.effects) {
        if (effect.is(setLines)) next = { ...next, ...effect.value };
        if (effect.is(setHeight)) {
          next = { ...next, heights: new Map(next.heights).set(effect.value.line, effect.value.height) };
        }
      }
      return next === state ? state : placeSlots(next, transaction.state.doc, options.slot);
    },
    provide: (self) => EditorView.decorations.from(self, ({ slots }) => slots),
  });
  const askAt = (view: EditorView, position: number, extend = false): boolean => {
    const line = view.state.doc.lineAt(position).number;
    const selected = selectedLines(view);
    if (extend) options.ask({ first: Math.min(selected.first, line), last: Math.max(selected.last, line) });
    else if (line >= selected.first && line <= selected.last) options.ask(selected);
    else options.ask({ first: line, last: line });
    return true;
  };
  const marks = (canComment: boolean): Extension =>
    gutter({
      class: canComment ? 'comment-gutter can-comment' : 'comment-gutter',
      lineMarker: (view, block) =>
        view.state.field(field).marked.has(view.state.doc.lineAt(block.from).number)
          ? MARKED
          : canComment
            ? UNMARKED
            : null,
      lineMarkerChange: (update) => update.startState.field(field) !== update.state.field(field),
      domEventHandlers: {
        mousedown: (view, block, event) =>
          canComment && askAt(view, block.from, event instanceof MouseEvent && event.shiftKey),
      },
    });
  const rightsOf = ({ canComment, label }: LineRights): Extension => [
    marks(canComment),
    EditorView.contentAttributes.of({ 'aria-label': label }),
    canComment ? keymap.of([{ key: 'c', run: (view) => askAt(view, view.state.selection.main.head) }]) : [],
  ];
  return {
    extension: (rights) => [field, rightsSlot.of(rightsOf(rights))],
    allow: (view, rights) => view.dispatch({ effects: rightsSlot.reconfigure(rightsOf(rights)) }),
  };
}

/** Says below which lines there are places, and which lines are marked. */
export function showSlots(view: EditorView, lines: SlotLines): void {
  view.dispatch({ effects: setLines.of(lines) });
}
