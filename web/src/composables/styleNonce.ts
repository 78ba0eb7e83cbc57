/**
 * The nonce of this page. The content security policy allows no inline styles but those that carry it; editor and
 * terminal make style elements at run time. Empty where no policy is set, as under vite's own server.
 */
export const styleNonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
