import { MailauthPeer } from './dkim-mailauth.ts';
import { OpendkimPeer, opendkim } from './dkim-opendkim.ts';
import type { DkimPeer } from './dkim-peer.ts';
import { PosternPeer } from './dkim-postern.ts';
import { ScriptPeer } from './dkim-script-peer.ts';
import { RealServer } from './real-server.ts';

/** They come with the libraries that the scripts load. */
const dkimpyCommand = new RealServer('dkimverify', 'python3-dkim');
const mailDkimCommand = new RealServer('dkimproxy-verify', 'libmail-dkim-perl');

/** What the machine must have for `dkimPeers`. */
export const dkimPeerServers: readonly RealServer[] = [opendkim, dkimpyCommand, mailDkimCommand];

/** Debian's interpreters, for which its packages bring the libraries, whatever else stands first on the PATH. */
const PYTHON = '/usr/bin/python3';
const PERL = '/usr/bin/perl';

/** Every implementation that ours is compared with. */
export const dkimPeers: readonly DkimPeer[] = [
  new OpendkimPeer(),
  new ScriptPeer('dkimpy', PYTHON, 'dkim-dkimpy.py'),
  // Debian's version is older than its Ed25519.
  new ScriptPeer('Mail::DKIM', PERL, 'dkim-mail-dkim.pl', ['rsa-sha256']),
  new MailauthPeer(),
];

/** This package, in the clothes of a peer. */
export const postern: DkimPeer = new PosternPeer();
