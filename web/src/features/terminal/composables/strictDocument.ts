import { styleNonce } from '../../../composables/styleNonce.ts';

/**
 * The document as xterm's renderer should see it under a content security policy without inline styles: its style
 * elements carry the page's nonce, and a style attribute is set through the object model, which the policy allows.
 */
export function strictDocument(): Document {
  return new Proxy(document, {
    get(target, name) {
      if (name === 'createElement') return createStrictElement;
      const value: unknown = Reflect.get(target, name, target);
      // A method of the real document refuses to run on its stand-in.
      return typeof value === 'function' ? value.bind(target) : value;
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
}

/**
 * Runs `open` while the document itself makes strict elements: xterm's viewport takes the real document for one style
 * element whatever stand-in it was given.
 */
export function withStrictElements(open: () => void): void {
  document.createElement = createStrictElement as typeof document.createElement;
  try {
    open();
  } finally {
    Reflect.deleteProperty(document, 'createElement');
  }
}

function createStrictElement(tag: string): HTMLElement {
  const element = Document.prototype.createElement.call(document, tag);
  if (element instanceof HTMLStyleElement) element.nonce = styleNonce;
  else if (element instanceof HTMLSpanElement) element.setAttribute = setStrictAttribute;
  return element;
}

function setStrictAttribute(this: HTMLElement, name: string, value: string): void {
  if (name === 'style') this.style.cssText = value;
  else Element.prototype.setAttribute.call(this, name, value);
}
