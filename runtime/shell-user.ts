import { hostname, userInfo } from 'node:os';

/** Whoever sits at the shell, as the audit log names them: `user@host`. */
export function shellUser(): string {
  return `${userName()}@${hostname()}`;
}

/** A container may run as a number that no account has. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
