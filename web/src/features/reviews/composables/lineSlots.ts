import { RangeSetBuilder, StateEffect, StateField, type Extension } from '@codemirror/state';
import { Decoration, EditorView, gutter, GutterMarker, keymap, WidgetType, type DecorationSet } from '@codemirror/view';

/** Where the page puts what stands below a line: called with the element when it appears and with null when it goes. */
export type SlotListener = (line: number, element: HTMLElement | null) => void;

const setLines = StateEffect.define<{ below: ReadonlySet<number>; marked: ReadonlySet<number> }>();

/** An empty place below a line. The page draws into it; CodeMirror only keeps it in position. */
class LineSlot extends WidgetType {
  private readonly line: number;
  private readonly listener: SlotListener;
  private readonly observers = new WeakMap<HTMLElement, ResizeObserver>();

  constructor(line: number, listener: SlotListener) {
    super();
    this.line = line;
    this.listener = listener;
  }
  override eq(other: LineSlot): boolean {
    return other.line === this.line;
  }
  override toDOM(view: EditorView): HTMLElement {
    const element = document.createElement('div');
    element.className = 'line-slot';
    // What is drawn here changes its height; CodeMirror must measure again or clicks land on other lines.
    const observer = new ResizeObserver(() => view.requestMeasure());
    observer.observe(element);
    this.observers.set(element, observer);
    this.listener(this.line, element);
    return element;
  }
  override destroy(element: HTMLElement): void {
    this.observers.get(element)?.disconnect();
    this.listener(this.line, null);
  }
  override ignoreEvent(): boolean {
    return true;
  }
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

/**
 * Lets a page put elements below lines of a view, and asks for a comment on a line: by a click in the gutter, or `c` on
 * the line with the cursor.
 */
export function lineSlots(options: {
  canComment: boolean;
  slot: SlotListener;
  ask: (line: number) => void;
}): Extension {
  const field = StateField.define<{ slots: DecorationSet; marked: ReadonlySet<number> }>({
    create: () => ({ slots: Decoration.none, marked: new Set() }),
    update(value, transaction) {
      for (const effect of transaction.effects) {
        if (effect.is(setLines)) {
          const lines = [...effect.value.below].filter((line) => line <= transaction.state.doc.lines);
          const builder = new RangeSetBuilder<Decoration>();
          for (const line of lines.toSorted((left, right) => left - right)) {
            const { to } = transaction.state.doc.line(line);
            builder.add(to, to, Decoration.widget({ widget: new LineSlot(line, options.slot), block: true, side: 1 }));
          }
          return { slots: builder.finish(), marked: effect.value.marked };
        }
      }
      return value;
    },
    provide: (self) => EditorView.decorations.from(self, ({ slots }) => slots),
  });
  const askAt = (view: EditorView, position: number): boolean => {
    if (!options.canComment) return false;
    options.ask(view.state.doc.lineAt(position).number);
    return true;
  };
  const marks = gutter({
    class: options.canComment ? 'comment-gutter can-comment' : 'comment-gutter',
    lineMarker: (view, block) =>
      view.state.field(field).marked.has(view.state.doc.lineAt(block.from).number)
        ? MARKED
        : options.canComment
          ? UNMARKED
          : null,
    lineMarkerChange: (update) => update.startState.field(field) !== update.state.field(field),
    domEventHandlers: { mousedown: (view, block) => askAt(view, block.from) },
  });
  return [field, marks, keymap.of([{ key: 'c', run: (view) => askAt(view, view.state.selection.main.head) }])];
}

/** Says below which lines there are places, and which lines are marked. */
export function showSlots(view: EditorView, lines: { below: ReadonlySet<number>; marked: ReadonlySet<number> }): void {
  view.dispatch({ effects: setLines.of(lines) });
}
