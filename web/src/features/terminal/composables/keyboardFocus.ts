/** Where somebody types, or walks by keys. */
const HELD = '[data-pane], [role="dialog"], [role="menu"], input, textarea, select, [contenteditable="true"]';

/**
 * Whether what appears by itself may take the keys: never from under somebody who is at work elsewhere. What they typed
 * for a file would go on in a shell, as commands.
 */
export function mayTakeKeys(own: Element): boolean {
  const holder = document.activeElement?.closest(HELD);
  return holder?.contains(own) ?? true;
}
