import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainIndex } from './domain-index.ts';

interface Node {
  readonly domain: string;
}

describe('DomainIndex', () => {
  it('finds what a map finds, after any changes', () => {
    const label = fc.constantFrom('a', 'b', 'cd', 'x-y');
    const domain = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
    fc.assert(
      fc.property(fc.array(fc.tuple(domain, fc.boolean()), { maxLength: 150 }), domain, (changes, name) => {
        const index = new DomainIndex<Node>();
        const model = new Map<string, Node>();
        for (const [key, remove] of changes) {
          if (remove) {
            index.delete(key);
            model.delete(key);
          } else if (!model.has(key)) {
            const node = { domain: key };
            index.add(node);
            model.set(key, node);
          }
          expect(index.get(key)).toBe(model.get(key));
        }
        const labels = name.split('.');
        const parents = labels.map((_, at) => labels.slice(at).join('.')).reverse();
        expect(index.covering(name)).toEqual(parents.flatMap((parent) => model.get(parent) ?? []));
        expect(new Set(index.values())).toEqual(new Set(model.values()));
      }),
    );
  });

  it('finds each of many, and none that was deleted, as it grows and shrinks', () => {
    const index = new DomainIndex<Node>();
    const nodes = Array.from({ length: 5_000 }, (_, n) => ({ domain: `n${n}.example` }));
    for (const node of nodes) index.add(node);
    for (const [n, node] of nodes.entries()) if (n % 3 === 0) index.delete(node.domain);
    for (const [n, node] of nodes.entries()) expect(index.get(node.domain)).toBe(n % 3 === 0 ? undefined : node);
    for (const [n, node] of nodes.entries()) if (n % 3 === 0) index.add(node);
    for (const node of nodes) expect(index.covering(`a.${node.domain}`)).toEqual([node]);
    for (const node of nodes) index.delete(node.domain);
    expect([...index.values()]).toEqual([]);
    expect(index.covering('n1.example')).toEqual([]);
  });

  it('gives every node that stays once, while others come and go', () => {
    const index = new DomainIndex<Node>();
    for (let n = 0; n < 100; n++) index.add({ domain: `n${n}.example` });
    const seen: string[] = [];
    let added = 0;
    for (const { domain } of index.values()) {
      seen.push(domain);
      if (added < 1_000) {
        index.delete(`n${added % 50}.example`);
        for (let count = 0; count < 10; count++) index.add({ domain: `m${added++}.example` });
      }
    }
    for (let n = 50; n < 100; n++) expect(seen.filter((each) => each === `n${n}.example`)).toHaveLength(1);
    expect(new Set(seen).size).toBe(seen.length);
  });
});
