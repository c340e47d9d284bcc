import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A verifier that is a program of its own. */
export interface ProcessPeer {
  readonly name: string;
  /** Microseconds of CPU for each of `count` messages, without those of starting; why not, where it is not there. */
  perMessage(message: Buffer, keyName: string, keyRecord: string, count: number): number | string;
}

/** Each prints the microseconds of CPU for one message, after one that is not counted. */
const python = `
import sys, time, dkim
message = open(sys.argv[1], 'rb').read()
record = open(sys.argv[2], 'rb').read()
count = int(sys.argv[3])
for each in range(count + 1):
    if each == 1: start = time.process_time()
    if not dkim.verify(message, dnsfunc=lambda name, timeout=5: record): sys.exit('it does not verify')
print((time.process_time() - start) * 1e6 / count)
`;

const perl = `
use strict; use warnings; no warnings 'redefine';
use Mail::DKIM::DNS; use Mail::DKIM::Verifier; use Net::DNS;
sub slurp { open my $file, '<:raw', $_[0] or die; local $/; <$file> }
my $message = slurp($ARGV[0]); my $record = slurp($ARGV[1]); my $count = $ARGV[2];
*Mail::DKIM::DNS::query = sub {
  return Net::DNS::RR->new( owner => $_[0], type => 'TXT', txtdata => [ unpack '(a255)*', $record ] );
};
my $start;
for my $each (0 .. $count) {
  $start = times if $each == 1;
  my $verifier = Mail::DKIM::Verifier->new;
  $verifier->PRINT($message); $verifier->CLOSE;
  die 'it does not verify' unless $verifier->result eq 'pass';
}
print( ( times() - $start ) * 1e6 / $count );
`;

function script(name: string, command: string, probe: readonly string[], source: string): ProcessPeer {
  return {
    name,
    perMessage: (message, _, keyRecord, count) => {
      if (spawnSync(command, probe).status !== 0) return 'not installed';
      return inFolder((folder) => {
        writeFileSync(join(folder, 'script'), source);
        writeFileSync(join(folder, 'message'), message);
        writeFileSync(join(folder, 'record'), keyRecord);
        const args = [join(folder, 'script'), join(folder, 'message'), join(folder, 'record'), String(count)];
        const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
        return status === 0 ? Number(stdout) : stderr.trim();
      });
    },
  };
}

/** In its test mode: the CPU of many messages less that of one, as bash measures it. */
const opendkim: ProcessPeer = {
  name: 'opendkim',
  perMessage: (message, keyName, keyRecord, count) =>
    inFolder((folder) => {
      writeFileSync(join(folder, 'keys'), `${keyName} ${keyRecord}\n`);
      writeFileSync(join(folder, 'conf'), `Syslog no\nMode v\nTestPublicKeys ${join(folder, 'keys')}\n`);
      mkdirSync(join(folder, 'm'));
      writeFileSync(join(folder, 'm', '1'), message);
      const seconds = (messages: number): number | string => {
        const files = Array.from({ length: messages }, () => 'm/1').join(',');
        const command = `TIMEFORMAT='cpu %U %S'; time opendkim -x conf -t ${files}`;
        const { stdout, stderr } = spawnSync('bash', ['-c', command], { cwd: folder, encoding: 'latin1' });
        const [, user, system] = /cpu ([0-9.]+) ([0-9.]+)/.exec(stderr) ?? [];
        if (user === undefined || !stdout.includes('succeeded')) return 'not installed, or it does not verify';
        return Number(user) + Number(system);
      };
      const one = seconds(1);
      const many = seconds(count + 1);
      if (typeof one === 'string') return one;
      return typeof many === 'string' ? many : ((many - one) * 1e6) / count;
    }),
};

export const processPeers: readonly ProcessPeer[] = [
  opendkim,
  script('dkimpy', '/usr/bin/python3', ['-c', 'import dkim'], python),
  script('Mail::DKIM', 'perl', ['-MMail::DKIM', '-e', '1'], perl),
];

function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'postern-dkim-'));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
