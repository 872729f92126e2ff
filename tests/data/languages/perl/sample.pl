#!/usr/bin/perl
package Counter::Simple;

use strict;
use warnings;
use utf8;
use constant MAX => 100;
use constant { MIN => 0, STEP => 2 };

our $VERSION = '1.02';
my %registry;

=head1 NAME

Counter::Simple - counts

=cut

# Makes a counter.
sub new {
    my ($class, %args) = @_;
    my $self = bless { count => $args{start} // 0 }, $class;
    return $self;
}

# Adds to the count.
# Returns the counter.
sub increment {
    my $self = shift;
    my $double = sub { return $_[0] * 2 };
    $self->{count} += $double->(1);
    return $self;
}

sub _private($x, $y = 1) { return $x + $y }

package Counter::Bounded {
    our @ISA = ('Counter::Simple');

    sub limit { MAX }
}

=head2 B<half>( $counter )

Returns half of C<< $counter->size >>.

=over 4

=item rounded down

=back

=cut

sub half { int($_[0]->size / 2) }

sub größe : lvalue { my $self = shift; $self->{size} }

1;
__END__

More text.
