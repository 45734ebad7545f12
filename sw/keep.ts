// Which answers may be kept. A file that is kept wrongly is served wrongly until the next version: a portal's page, a redirect
// to a login, or an error page in a script's place make the installation fail instead.

const TYPES: [end: RegExp, type: RegExp][] = [
  [/\.m?js$/, /javascript/],
  [/\.css$/, /^text\/css/],
  [/\.wasm$/, /^application\/wasm/],
  [/\.(json|webmanifest)$/, /json/],
  [/\.html$|\/$/, /^text\/html/],
  [/\.(png|svg|ico|webp|jpe?g)$/, /^image\//],
];

/** Whether this answer is what the file's name promises, straight from our own origin. */
export function isKeepable(request: Request, response: Response, origin: string): boolean {
  const url = new URL(request.url);
  if (url.origin !== origin || /\/(api|auth)\//.test(url.pathname)) return false;
  if (response.status !== 200 || response.type !== "basic" || response.redirected) return false;
  const expected = TYPES.find(([end]) => end.test(url.pathname))?.[1];
  return expected === undefined || expected.test(response.headers.get("content-type") ?? "");
}
