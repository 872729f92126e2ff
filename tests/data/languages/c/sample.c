/*
 * A hash table with open addressing.
 */
#include <stddef.h>
#include "sample.h"

#define TABLE_MIN 8
#define SLOT(table, i) \
    (&(table)->slots[(i) & ((table)->capacity - 1)])
#define TABLE_GUARD

typedef unsigned long hash_t;
typedef int (*compare_fn)(const void *, const void *);

/* One key with its value. */
struct slot {
    const char *key;
    void *value;
    hash_t hash;        /* of the key */
    int (*release)(void *);
};

typedef struct table {
    struct slot *slots;
    size_t capacity, count;
    unsigned int flags : 3;
    char name[16];
    union {
        int number;
        void *pointer;
    } extra;
} table_t;

typedef struct { double x, y; } point;

/// What an insertion did.
enum outcome {
    INSERTED = 1,
    REPLACED,   // the key was there
};

union word { int i; float f; };

extern int verbosity;
static const int primes[] = {2, 3, 5, 7};
static char *program_name = NULL;

/** Finds a slot. */
static inline struct slot *find(const table_t *table, const char *key);

// Hashes a string (FNV-1a).
hash_t
hash_string(const char *text)
{
    hash_t hash = 14695981039346656037UL;
    while (*text)
        hash = (hash ^ (unsigned char)*text++) * 1099511628211UL;
    return hash;
}

static inline struct slot *find(const table_t *table, const char *key)
{
    return SLOT(table, hash_string(key));
}

char **table_keys(const table_t *table) { return NULL; }

#ifdef TABLE_DEBUG
void table_dump(const table_t *table)
{
    for (size_t i = 0; i < table->capacity; i++)
        puts(table->slots[i].key);
}
#else
void table_dump(const table_t *table) { (void)table; }
#endif

__attribute__((noreturn)) void die(const char *format, ...)
{
    abort();
}

int main(int argc, char *argv[])
{
    return 0;
}
