#import <Foundation/Foundation.h>
#import "Sample.h"

#define MAX_ITEMS 10

NSString *const SampleErrorDomain = @"sample";
typedef void (^CompletionBlock)(NSError *error);

typedef enum {
    SampleStateIdle,
    SampleStateBusy,
} SampleState;

/**
 Something that loads.
 */
@protocol Loading <NSObject>
@required
- (BOOL)loadWithIdentifier:(NSString *)identifier error:(NSError **)error;
@optional
@property (nonatomic, readonly) BOOL loading;
@end

/// A cache of samples.
@interface SampleCache<KeyType> : NSObject <Loading, NSCopying> {
    NSUInteger _count;
}

/// How many there are.
@property (nonatomic, assign) NSUInteger count;
@property (nonatomic, copy, nullable) NSString *name;

+ (instancetype)sharedCache;
- (nullable id)objectForKey:(KeyType)key;

@end

@interface SampleCache (Private)
- (void)evict;
@end

@implementation SampleCache

@synthesize count = _count;

+ (instancetype)sharedCache {
    static SampleCache *cache;
    return cache;
}

// Loads one object.
- (BOOL)loadWithIdentifier:(NSString *)identifier error:(NSError **)error {
    void (^done)(void) = ^{ NSLog(@"done"); };
    done();
    return YES;
}

- (void)dealloc {
    _count = 0;
}

@end

static int sampleHelper(int a) {
    return a + MAX_ITEMS;
}

@implementation SampleCacheTests
- (void)testLoading {
    XCTAssertTrue(YES);
}
@end
