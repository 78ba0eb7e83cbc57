import { styleNonce } from '../../../composables/styleNonce.ts';

/*
 * xterm under a content security policy without inline styles: its style elements must carry the page's nonce, and its
 * style attributes must be set through the object model, which the policy allows.
 */

/** The document as xterm's renderer should see it: style elements that it makes, at any time, carry the nonce. */
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

/**
 * Makes `setAttribute('style', …)` on a span mean `style.cssText = …`. The plain renderer colours 24-bit text that way,
 * with spans from the real document; without this it loses those colours.
 */
export function allowSpanStyles(): void {
  HTMLSpanElement.prototype.setAttribute = setStrictAttribute;
}

function createStrictElement(tag: string): HTMLElement {
  const element = Document.prototype.createElement.call(document, tag);
  if (element instanceof HTMLStyleElement) element.nonce = styleNonce;
  return element;
}

function setStrictAttribute(this: HTMLSpanElement, name: string, value: string): void {
  if (name === 'style') this.style.cssText = value;
  else Element.prototype.setAttribute.call(this, name, value);
}
