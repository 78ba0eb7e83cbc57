/** A file that a new session begins with. */
export interface StarterFile {
  path: string;
  content: string;
}

const HELLO_C = `#include <stdio.h>

int main(void) {
    printf("Hello from Berth!\\n");
    return 0;
}
`;

const HELLO_CPP = `#include <iostream>

int main() {
    std::cout << "Hello from Berth!" << std::endl;
    return 0;
}
`;

const HELLO_TYPESCRIPT = `const greeting: string = 'Hello from Berth!';
console.log(greeting);
`;

const STARTERS: Readonly<Record<string, StarterFile[]>> = {
  python: [{ path: 'main.py', content: 'print("Hello from Berth!")\n' }],
  javascript: [{ path: 'main.js', content: "console.log('Hello from Berth!');\n" }],
  typescript: [{ path: 'main.ts', content: HELLO_TYPESCRIPT }],
  c: [{ path: 'main.c', content: HELLO_C }],
  cpp: [{ path: 'main.cpp', content: HELLO_CPP }],
  text: [{ path: 'README.md', content: '# Hello from Berth!\n' }],
};

/** The files of a new session in that language; a language without a starter begins empty. */
export function starterFiles(language: string): StarterFile[] {
  return Object.hasOwn(STARTERS, language) ? (STARTERS[language] ?? []) : [];
}
