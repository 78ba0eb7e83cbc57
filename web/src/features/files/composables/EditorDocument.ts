import {
  Compartment,
  EditorState,
  type Extension,
  type StateEffect,
  type Text,
  type TransactionSpec,
} from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { languageSlot, writingExtensions } from '../../../composables/editor/editorSetup.ts';
import { loadLanguage } from '../../../composables/editor/languages.ts';
import { contentOf, keepingEnds, lineEndOf, type LineEnd } from '../../../composables/editor/lineEnds.ts';

const endsSlot = new Compartment();

/** The text of one open file with its history and cursor, shown by a view or not. */
export class EditorDocument {
  private hidden: EditorState;
  private view: EditorView | null = null;
  private saved: Text;
  private end: LineEnd | null;
  /** Where the view is to be scrolled to when it shows this document again; at first its beginning. */
  private place: StateEffect<unknown> | undefined = EditorView.scrollIntoView(0);
  /** The selection is to be scrolled to once a view shows it. */
  private revealing = false;

  /** `edited` is called after each change, with whether the text differs from what was last saved or loaded. */
  constructor(file: { path: string; content: string }, edited: (differs: boolean) => void) {
    const told = EditorView.updateListener.of((update) => {
      if (update.docChanged) edited(this.differs);
    });
    this.hidden = EditorState.create({
      doc: file.content,
      extensions: [
        writingExtensions(file.path),
        languageSlot.of([]),
        endsSlot.of(keepingEnds(lineEndOf(file.content))),
        told,
      ],
    });
    this.saved = this.hidden.doc;
    this.end = lineEndOf(file.content);
    void this.useLanguageOf(file.path);
  }

  get state(): EditorState {
    return this.view?.state ?? this.hidden;
  }
  /** The text as it would be saved, its lines ended as those of the file. */
  get text(): string {
    return contentOf(this.state.doc, this.end);
  }
  /** The text that was last saved or loaded: what the person's edits were made from. */
  get base(): string {
    return contentOf(this.saved, this.end);
  }
  get differs(): boolean {
    return !this.state.doc.eq(this.saved);
  }

  /** Shows this document in a view; the one that was shown before is put away by the caller. */
  show(view: EditorView): void {
    view.setState(this.hidden);
    this.view = view;
    if (this.revealing) this.scrollToSelection(view);
    else if (this.place) view.dispatch({ effects: this.place });
  }
  /** Keeps text, history, cursor and scroll place, and lets go of the view. */
  hide(): void {
    this.hidden = this.state;
    this.place = this.view?.scrollSnapshot() ?? this.place;
    this.view = null;
  }

  /** Remembers what a save carries; call the result when the save succeeded. */
  beginSave(): { content: string; succeeded: () => void } {
    const { doc } = this.state;
    return { content: contentOf(doc, this.end), succeeded: () => void (this.saved = doc) };
  }

  /** Takes the database's text: the whole text becomes this one, as a step that can be undone. */
  replace(content: string): void {
    this.rebase(content);
    const { doc } = this.state;
    const next = this.saved;
    if (doc.eq(next)) return;
    const changes = this.state.changes(differingPart(doc.toString(), next.toString()));
    this.place = this.place?.map(changes);
    this.update({ changes });
  }

  /** The person's own text stays and is now compared with the database's. */
  rebase(savedContent: string): void {
    const end = lineEndOf(savedContent);
    if (end !== this.end) this.update({ effects: endsSlot.reconfigure(keepingEnds(end)) });
    this.end = end;
    this.saved = this.state.toText(savedContent);
  }

  /** Selects a place and brings it into sight; line and columns count from 1, and what the text has not is cut. */
  reveal(place: { line: number; column: number; endColumn: number }): void {
    const { doc } = this.state;
    const line = doc.line(Math.min(Math.max(1, place.line), doc.lines));
    const at = (column: number): number => Math.min(line.from + column - 1, line.to);
    const selection = { anchor: at(place.column), head: at(place.endColumn) };
    this.revealing = true;
    if (this.view) {
      this.view.dispatch({ selection });
      this.scrollToSelection(this.view);
    } else this.update({ selection });
  }

  private scrollToSelection(view: EditorView): void {
    this.revealing = false;
    view.dispatch({ effects: EditorView.scrollIntoView(view.state.selection.main, { y: 'center' }) });
  }

  private update(change: TransactionSpec): void {
    if (this.view) this.view.dispatch(change);
    else this.hidden = this.hidden.update(change).state;
  }

  private async useLanguageOf(path: string): Promise<void> {
    const language: Extension | null = await loadLanguage(path);
    if (!language) return;
    this.update({ effects: languageSlot.reconfigure(language) });
  }
}

/** The smallest single replacement that turns `before` into `after`, so that a cursor outside of it stays in its place. */
export function differingPart(before: string, after: string): { from: number; to: number; insert: string } {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return { from: start, to: before.length - end, insert: after.slice(start, after.length - end) };
}
