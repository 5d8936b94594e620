# Processes, signals and text in Perl: fork, wait, pipes, alarm, kill, regular expressions, sorting, packing.
use strict;
use warnings;
use POSIX qw(:sys_wait_h floor strftime _exit setsid);
use Socket;
use Time::HiRes qw(ualarm usleep);
$| = 1;

# fork, and a pipe back
my @pids;
pipe(my $from, my $to) or die;
for my $n (1 .. 4) {
    my $pid = fork // die "fork: $!";
    if ($pid == 0) { close $from; syswrite $to, pack("Nn", $n * $n, $n); _exit($n) }
    push @pids, $pid;
}
close $to;
my %status = map { waitpid($_, 0); ($_ => $? >> 8) } @pids;
print join(",", map { $status{$_} } @pids), "\n";
local $/ = \6;
print join(" ", sort map { join "=", unpack "Nn", $_ } <$from>), "\n";
$/ = "\n";

# alarm interrupts a system call, a loop, and a wait
my $alarms = 0;
$SIG{ALRM} = sub { $alarms++; die "alarm\n" };
eval { ualarm 20_000; select undef, undef, undef, 100; print "never\n" }; print "slept: $@";
eval { alarm 1; 1 while 1 }; print "span: $@";
pipe(my $quiet, my $hold);
eval { ualarm 20_000; sysread $quiet, my $byte, 1 }; print "read: $@";
my $sleeper = fork // die; if ($sleeper == 0) { sleep 100; _exit(0) }
eval { ualarm 20_000; waitpid $sleeper, 0 }; print "wait: $@";
kill TERM => $sleeper; waitpid $sleeper, 0; printf "%d signal %d\n", $alarms, $? & 127;

# handlers, masks, groups
my $children = 0;
{
    local $SIG{CHLD} = sub { 1 while waitpid(-1, WNOHANG) > 0 && ++$children };
    for (1 .. 3) { fork // die or _exit(0) }
    usleep 1000 while $children < 3;
}
print "reaped $children\n";
local $SIG{USR1} = sub { print "usr1\n" };
my $set = POSIX::SigSet->new(POSIX::SIGUSR1());
POSIX::sigprocmask(POSIX::SIG_BLOCK(), $set);
kill USR1 => $$; print "blocked\n";
POSIX::sigprocmask(POSIX::SIG_UNBLOCK(), $set);
my $leader = fork // die;
if ($leader == 0) { setsid; fork // die; sleep 100; _exit(0) }
usleep 1000 until getpgrp($leader) == $leader;
kill KILL => -$leader; waitpid $leader, 0; print "group ", $? & 127, "\n";

socketpair(my $near, my $far, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die;
if (fork // die) { close $far; syswrite $near, "ping"; sysread $near, my $reply, 10; print "$reply\n"; wait }
else { sysread $far, my $got, 10; syswrite $far, uc $got; _exit(0) }
print `echo "by the shell"; exit 3`, $? >> 8, "\n";
open my $sorted, "-|", "printf '%s\\n' b c a | sort" or die; chomp(my @lines = <$sorted>); close $sorted; print "@lines\n";

# text and numbers
my %count;
open my $self, "<", $0 or die;
while (<$self>) { $count{lc $1}++ while /([a-z]{4,})/gi }
print join(" ", map {; "$_:$count{$_}" } (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count)[0 .. 4]), "\n";
no warnings "portable";  # hex of more than 32 bits
(my $text = "virtual 0x3fffffe000, physical 0x80200000") =~ s/0x([0-9a-f]+)/hex($1) >> 12/ge; print "$text\n";
print "named $+{w}\n" if "satp=8000" =~ /(?<w>\w+)=(?=\d)/;
printf "%.3f %s %d %s %e\n", atan2(1, 1) * 4, 2**53, floor(-1.5), 10 % 3, 1 / 3;
print strftime("%F %T", gmtime 86400 * 366), " ", join("|", map { sprintf "%03b", $_ } 5, 6), " ", unpack("%32C*", "checksum"), "\n";
my @table = map { [$_, $_ * 7 % 11] } 1 .. 10; print join(" ", map { $_->[0] } sort { $a->[1] <=> $b->[1] } @table), "\n";
eval { die { code => 42 } }; print "died with $@->{code}\n";
warn "to standard error\n";
exit 7;
