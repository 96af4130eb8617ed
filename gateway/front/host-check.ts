/**
 * Whether a request calls us by a name of ours. A page can give its own name our address, after which the browser takes us for the
 * page's server and lets it ask (DNS rebinding); what it cannot do is to leave its name out of `Host`.
 * @param allowed beside the names of the loopback; undefined: any name will do.
 */
export function createHostCheck(allowed: readonly string[] | undefined): (host: string | undefined) => boolean {
  if (!allowed) return () => true;
  const names = new Set(allowed.map((name) => name.toLowerCase()));
  return (host) => {
    if (host === undefined) return false;
    const name = nameIn(host);
    return names.has(name) || names.has(host.toLowerCase()) || isLoopbackName(name);
  };
}

/** Without the port. */
function nameIn(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
}

function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
}
