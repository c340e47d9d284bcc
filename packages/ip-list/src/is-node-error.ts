/** Whether an error is one of the system's, with a `code` such as `ENOENT`. */
export function isNodeError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}
