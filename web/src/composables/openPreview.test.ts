import { localPlace } from './openPreview.ts';

describe('a link to the machine that a program is on', () => {
  it.each([
    ['http://localhost:3000/', { port: 3000, path: '/' }],
    ['http://127.0.0.1:8000/a?b=c#d', { port: 8000, path: '/a?b=c' }],
    ['http://0.0.0.0:5173', { port: 5173, path: '/' }],
    ['http://[::1]:8080//twice', { port: 8080, path: '/twice' }],
    ['http://localhost/', { port: 80, path: '/' }],
  ])('is a preview: %s', (address, place) => {
    expect(localPlace(address)).toEqual(place);
  });

  it.each(['https://localhost:3000/', 'http://example.org:3000/', 'http://localhost.example.org/', 'nonsense'])(
    'is none: %s',
    (address) => {
      expect(localPlace(address)).toBeNull();
    },
  );
});
