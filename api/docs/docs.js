/** The page at /api/docs: lists what openapi.json describes and sends requests with the browser's sign-in or a token. */
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

function element(name, properties = {}, children = []) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** A value that a person can edit into a valid body. */
function exampleOf(schema = {}) {
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  const variant = schema.anyOf?.[0] ?? schema.oneOf?.[0] ?? schema.allOf?.[0];
  if (variant) return exampleOf(variant);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === 'object') {
    const required = Object.entries(schema.properties ?? {}).filter(([name]) => schema.required?.includes(name));
    return Object.fromEntries(required.map(([name, property]) => [name, exampleOf(property)]));
  }
  if (type === 'array') return [exampleOf(schema.items)];
  return { integer: 1, number: 1, boolean: false, null: null }[type] ?? '';
}

function field(parameter) {
  const input = element('input', { name: parameter.name, required: parameter.required ?? false });
  input.dataset.in = parameter.in;
  const label = `${parameter.name} (${parameter.in}${parameter.required ? '' : ', optional'})`;
  return element('label', {}, [label, input]);
}

function headerField(name, hint) {
  const input = element('input', { name, placeholder: hint });
  input.dataset.in = 'header';
  return element('label', {}, [`${name} (header, optional)`, input]);
}

/** The address and headers that a form's fields stand for. */
function requestOf(form, path, method) {
  const headers = {};
  const query = new URLSearchParams();
  let address = path;
  for (const { name, value, dataset } of form.querySelectorAll('input')) {
    if (dataset.in === 'path') address = address.replace(`{${name}}`, encodeURIComponent(value));
    else if (value !== '' && dataset.in === 'query') query.set(name, value);
    else if (value !== '' && dataset.in === 'header') headers[name] = value;
  }
  const token = document.querySelector('#token').value.trim();
  if (token !== '') headers.Authorization = `Bearer ${token}`;
  const body = form.querySelector('textarea')?.value;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  return { address: query.size > 0 ? `${address}?${query}` : address, options: { method, headers, body } };
}

async function send(form, path, method) {
  const output = form.querySelector('pre');
  output.textContent = 'Waiting…';
  const { address, options } = requestOf(form, path, method.toUpperCase());
  try {
    const answer = await fetch(address, options);
    const text = await answer.text();
    const isJson = /json/.test(answer.headers.get('content-type') ?? '');
    const shown = isJson && text !== '' ? JSON.stringify(JSON.parse(text), null, 2) : text;
    output.textContent = `${answer.status} ${answer.statusText}\n${shown}`;
  } catch (error) {
    output.textContent = `No answer: ${error.message}`;
  }
}

function operation(path, method, described) {
  const schema = described.requestBody?.content['application/json']?.schema;
  const fields = (described.parameters ?? []).map(field);
  if (method === 'post') fields.push(headerField('Idempotency-Key', 'a new one for every new request'));
  if (method !== 'get' && method !== 'post')
    fields.push(headerField('If-Match', 'the version that a change is based on'));
  if (schema) {
    const value = JSON.stringify(exampleOf(schema), null, 2);
    fields.push(element('label', {}, ['Body', element('textarea', { value, spellcheck: false })]));
  }
  const form = element('form', {}, [...fields, element('button', { textContent: 'Send' }), element('pre')]);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void send(form, path, method);
  });
  const summary = element('summary', {}, [
    element('b', { textContent: method.toUpperCase() }),
    element('code', { textContent: path }),
    element('span', { textContent: described.summary ?? '' }),
  ]);
  return element('details', {}, [summary, form]);
}

async function show() {
  const answer = await fetch('/api/v1/openapi.json');
  const { info, paths } = await answer.json();
  document.querySelector('#about').textContent = `Version ${info.version}. ${info.description}`;
  const byTag = new Map();
  for (const [path, methods] of Object.entries(paths)) {
    for (const method of METHODS.filter((name) => methods[name])) {
      const [tag] = methods[method].tags;
      byTag.set(tag, [...(byTag.get(tag) ?? []), operation(path, method, methods[method])]);
    }
  }
  for (const [tag, operations] of byTag) {
    document.querySelector('#operations').append(element('h2', { textContent: tag }), ...operations);
  }
}

show().catch((error) => {
  document.querySelector('#about').textContent = `The list could not be loaded: ${error.message}`;
});
