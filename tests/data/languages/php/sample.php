<?php

declare(strict_types=1);

namespace App\Http\Controllers;

use App\Models\User;

const DEFAULT_LIMIT = 20;
define('LEGACY', true);

/**
 * Sends mail.
 */
interface Mailer extends \Countable
{
    const RETRIES = 3;

    public function send(string $to, ?string $subject = null): bool;
}

/** Counts what passes. */
trait Counts
{
    protected int $count = 0;

    public function größe(): int
    {
        return $this->count;
    }
}

#[Route('/users')]
#[Middleware('auth')]
final class UserController extends Controller implements Mailer
{
    use Counts, Authorizes { authorize as protected; }

    public const LIMIT = 50, OFFSET = 0;
    private static ?self $instance = null;
    public readonly array $users, $groups;

    public function __construct(private readonly UserRepository $repository, protected int $page = 1)
    {
    }

    /**
     * Lists users.
     *
     * @return User[]
     */
    #[Get]
    public function index(Request $request, string ...$names): array
    {
        $filter = function (User $user) use ($request) {
            return $user->active;
        };
        return array_filter($this->users, fn ($u) => $filter($u));
    }

    // Sends nothing.
    public function send(string $to, ?string $subject = null): bool { return false; }

    abstract protected static function &reference();
}

enum Status: string implements HasLabel
{
    case Active = 'active';
    // Until paid.
    case Blocked = 'blocked';

    public static function default(): self
    {
        return self::Active;
    }
}

function helper(int|string $value, &$out): ?array
{
    function inner() {}
    return null;
}

class UserTest extends TestCase
{
    public function testIndex(): void
    {
    }

    #[Test]
    public function it_sends(): void
    {
    }
}
?>
<p>Done: <?= helper(1, $x) ?></p>
