import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** The folder that holds package.json. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const NOT_OURS = new Set(['node_modules', 'dist', '.git', '.berth', 'coverage', 'test-results', 'histories']);
const SOURCE = /\.(ts|vue|js|mjs)$/;

/** One import of a file; `to` is a path in the project, or the name of a package. */
export interface Import {
  from: string;
  to: string;
  /** False when only types are taken, which leaves nothing at run time. */
  value: boolean;
  internal: boolean;
}

/** Every file of the project whose name matches, by its path from the root. */
export function projectFiles(pattern: RegExp = SOURCE, folder = ''): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : projectFiles(pattern, file);
    return pattern.test(entry.name) ? [file] : [];
  });
}

/** All imports of a file: static, re-exports, dynamic and in types. An internal one that leads nowhere ends in ` (missing)`. */
export function importsOf(file: string): Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, value: boolean): void => {
    if (specifier !== undefined && ts.isStringLiteral(specifier))
      found.push(resolveImport(file, specifier.text, value));
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, importsValue(node.importClause));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, exportsValue(node));
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, false);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], true);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, scriptOf(file), ts.ScriptTarget.Latest, true));
  return found;
}

function importsValue(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return true;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return false;
  const bindings = clause.namedBindings;
  if (clause.name !== undefined || bindings === undefined || ts.isNamespaceImport(bindings)) return true;
  return bindings.elements.some((element) => !element.isTypeOnly);
}

function exportsValue(node: ts.ExportDeclaration): boolean {
  if (node.isTypeOnly) return false;
  if (node.exportClause === undefined || ts.isNamespaceExport(node.exportClause)) return true;
  return node.exportClause.elements.some((element) => !element.isTypeOnly);
}

function scriptOf(file: string): string {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  if (!file.endsWith('.vue')) return text;
  return [...text.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map((match) => match[1]).join('\n');
}

function resolveImport(from: string, specifier: string, value: boolean): Import {
  const target = internalTarget(from, specifier);
  if (target === null) return { from, to: specifier, value, internal: false };
  const name = target.replace(/\?.*$/, '');
  const to = [name, `${name}.ts`, `${name}.vue`, `${name}/index.ts`].find((candidate) => isFile(candidate));
  return { from, to: to ?? `${name} (missing)`, value, internal: true };
}

function internalTarget(from: string, specifier: string): string | null {
  if (specifier.startsWith('.')) return path.posix.join(path.posix.dirname(from), specifier);
  if (specifier.startsWith('#')) return specifier.slice(1);
  if (specifier.startsWith('@/')) return path.posix.join('web/src', specifier.slice(2));
  return null;
}

function isFile(file: string): boolean {
  const absolute = path.join(ROOT, file);
  return existsSync(absolute) && statSync(absolute).isFile();
}

/** A cycle of imports as the files on it, or null when there is none. */
export function findCycle(imports: Import[]): string[] | null {
  const targets = new Map<string, string[]>();
  for (const { from, to } of imports) targets.set(from, [...(targets.get(from) ?? []), to]);
  const done = new Set<string>();
  const search = (file: string, trail: string[]): string[] | null => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (done.has(file)) return null;
    for (const next of targets.get(file) ?? []) {
      const cycle = search(next, [...trail, file]);
      if (cycle !== null) return cycle;
    }
    done.add(file);
    return null;
  };
  for (const file of targets.keys()) {
    const cycle = search(file, []);
    if (cycle !== null) return cycle;
  }
  return null;
}
