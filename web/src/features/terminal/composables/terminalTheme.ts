import type { ITheme } from '@xterm/xterm';

const LIGHT: ITheme = {
  background: '#ffffff',
  foreground: '#16202a',
  cursor: '#0a6684',
  cursorAccent: '#ffffff',
  selectionBackground: '#c4e2ee',
  black: '#16202a',
  red: '#ab2219',
  green: '#17693a',
  yellow: '#7d4f00',
  blue: '#0b56a8',
  magenta: '#8a2f8f',
  cyan: '#0a6684',
  white: '#5f6c7a',
  brightBlack: '#4f5b69',
  brightRed: '#c63a2f',
  brightGreen: '#1f7f48',
  brightYellow: '#936000',
  brightBlue: '#1f6fc7',
  brightMagenta: '#a445a8',
  brightCyan: '#117f9f',
  brightWhite: '#16202a',
};
const DARK: ITheme = {
  background: '#10161b',
  foreground: '#e6ebf0',
  cursor: '#56bdda',
  cursorAccent: '#10161b',
  selectionBackground: '#1f4a5a',
  black: '#28323c',
  red: '#ff938a',
  green: '#63cd92',
  yellow: '#e6b656',
  blue: '#7fbcf5',
  magenta: '#d59ae0',
  cyan: '#56bdda',
  white: '#c9d3dc',
  brightBlack: '#8f9ca9',
  brightRed: '#ffb0a9',
  brightGreen: '#8fe0b2',
  brightYellow: '#f2cf85',
  brightBlue: '#a8d2fa',
  brightMagenta: '#e5bcec',
  brightCyan: '#8ad6eb',
  brightWhite: '#ffffff',
};

/** The terminal's colours, readable on its ground in both themes. */
export function terminalTheme(isDark: boolean): ITheme {
  return isDark ? DARK : LIGHT;
}
