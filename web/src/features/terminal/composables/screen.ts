import { FitAddon } from '@xterm/addon-fit';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { Terminal, type ITheme } from '@xterm/xterm';
import type { TerminalSize } from '#shared/contracts/terminal.ts';
import { clipboardText, webAddress } from './outputWishes.ts';
import { allowSpanStyles, strictDocument, withStrictElements } from './strictDocument.ts';

/** Keys that belong to the page even while a terminal has the focus: F6 moves on to the next part of the page. */
const PAGE_KEYS = new Set(['F6']);
/** Output, in bytes, after which the faster renderer is worth its 31 kB: a person who only types never needs it. */
const GPU_WORTH_BYTES = 64 * 1024;
const FONT = getComputedStyle(document.documentElement).getPropertyValue('--font-mono') || 'monospace';

/** An xterm in an element, with what a terminal in a browser must and must not do. */
export function createScreen(
  host: HTMLElement,
  options: {
    theme: ITheme;
    onClipboard: (text: string) => void;
    /** Takes a web address that was clicked; false leaves it to the browser. */
    onLink: (address: string) => boolean;
  },
) {
  const openLink = (text: string): void => {
    const address = webAddress(text);
    if (address !== null && !options.onLink(address)) openWindow(address);
  };
  const terminal = new Terminal({
    allowProposedApi: true,
    documentOverride: strictDocument(),
    fontFamily: FONT,
    fontSize: 13,
    lineHeight: 1.25,
    scrollback: 10_000,
    cursorBlink: true,
    minimumContrastRatio: 4.5,
    theme: options.theme,
    // The text of such a link may name another address than the one it leads to.
    linkHandler: {
      activate: (_event, address) => openLink(address),
      hover: (_event, address) => void (host.title = webAddress(address) ?? ''),
      leave: () => void (host.title = ''),
    },
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.loadAddon(new Unicode11Addon());
  terminal.loadAddon(new WebLinksAddon((_event, address) => openLink(address)));
  terminal.unicode.activeVersion = '11';
  terminal.parser.registerOscHandler(52, (data) => {
    const text = clipboardText(data);
    if (text !== null) options.onClipboard(text);
    return true;
  });
  terminal.attachCustomKeyEventHandler((event) => handleKey(terminal, event));
  allowSpanStyles();
  withStrictElements(() => terminal.open(host));

  let written = 0;
  function write(data: Uint8Array, done: () => void): void {
    const before = written;
    written += data.length;
    if (before < GPU_WORTH_BYTES && written >= GPU_WORTH_BYTES) void drawByGpu(terminal);
    terminal.write(data, done);
  }

  return {
    terminal,
    /** Fits the rows and columns to the element; does nothing while it has no size. */
    fit(): void {
      if (host.clientWidth > 0 && host.clientHeight > 0) fit.fit();
    },
    size: (): TerminalSize => ({ cols: terminal.cols, rows: terminal.rows }),
    write,
    clear: (): void => terminal.reset(),
    dispose: (): void => terminal.dispose(),
  };
}
/** A screen with its verbs. */
export type Screen = ReturnType<typeof createScreen>;

/** Opens a link in a new window that knows nothing of this one. Only web addresses: output is not to be trusted with others. */
function openWindow(address: string): void {
  window.open(address, '_blank', 'noopener,noreferrer');
}

/** False keeps xterm from taking a key. */
function handleKey(terminal: Terminal, event: KeyboardEvent): boolean {
  if (PAGE_KEYS.has(event.key)) return false;
  const copies = event.ctrlKey && event.shiftKey && event.key.toLowerCase() === 'c';
  if (!copies) return !(event.ctrlKey && event.shiftKey && event.key.toLowerCase() === 'v');
  event.preventDefault();
  if (event.type === 'keydown' && terminal.hasSelection()) document.execCommand('copy');
  return false;
}

/** Draws by WebGL where it works; the plain renderer shows everything too, slower. */
async function drawByGpu(terminal: Terminal): Promise<void> {
  try {
    const { WebglAddon } = await import('@xterm/addon-webgl');
    const addon = new WebglAddon();
    addon.onContextLoss(() => addon.dispose());
    terminal.loadAddon(addon);
  } catch {
    // No WebGL here, or the terminal is gone already; the renderer that is there goes on.
  }
}
