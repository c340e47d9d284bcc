# Mail::DKIM for dkim-script-peer.ts: one JSON request on standard input, one JSON answer on standard output.
use strict;
use warnings;
use JSON::PP;
use Mail::DKIM::DNS;
use Mail::DKIM::PrivateKey;
use Mail::DKIM::Signer;
use Mail::DKIM::TextWrap;
use Mail::DKIM::Verifier;
use MIME::Base64;
use Net::DNS;

binmode STDIN;
my $request = decode_json( do { local $/; <STDIN> } );
my $records = $request->{records};

{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub {
        my ( $name, $type ) = @_;
        my $text = $records->{ lc $name };
        $@ = 'NXDOMAIN';
        return unless defined $text;
        utf8::encode($text);
        my @strings = unpack '(a255)*', $text;
        return Net::DNS::RR->new( owner => $name, type => 'TXT', txtdata => [ @strings ? @strings : '' ] );
    };
}

sub signature {
    my ($job) = @_;
    my ($bare) = $job->{privateKey} =~ /-----BEGIN[^-]*-----(.*?)-----END/s;
    $bare =~ s/\s//g;
    my $signer = Mail::DKIM::Signer->new(
        Algorithm => $job->{algorithm},
        Method    => "$job->{header}/$job->{body}",
        Domain    => $job->{domain},
        Selector  => $job->{selector},
        Key       => Mail::DKIM::PrivateKey->load( Data => $bare ),
    );
    $signer->extended_headers( { map { $_ => $job->{oversign} ? '+' : '*' } @{ $job->{fields} } } );
    $signer->PRINT( decode_base64( $job->{message} ) );
    $signer->CLOSE;
    my $field = $signer->signature->as_string;
    $field =~ s/\r?\n/\r\n/g;
    return encode_base64( "$field\r\n", '' );
}

sub verdict {
    my ($message) = @_;
    my $verifier = Mail::DKIM::Verifier->new( Strict => 1 );
    my $done = eval { $verifier->PRINT( decode_base64($message) ); $verifier->CLOSE; 1 };
    return { pass => JSON::PP::false, detail => "$@" } unless $done;
    my ($first) = $verifier->signatures;
    return { pass => JSON::PP::false, detail => $verifier->result_detail } unless defined $first;
    return { pass => $first->result eq 'pass' ? JSON::PP::true : JSON::PP::false, detail => $first->result_detail };
}

print encode_json(
    {
        signatures => [ map { signature($_) } @{ $request->{jobs} } ],
        verdicts   => [ map { verdict($_) } @{ $request->{messages} } ],
    }
);
