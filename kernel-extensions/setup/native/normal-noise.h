// Standard normal numbers that depend on a seed and a place alone: the rule of the SDK's philoxNormal(), to the last bit.
//
// Every step is an IEEE operation of single precision or of whole numbers, in one order, so that processors with and
// without vector instructions agree. Fused multiply-adds stand where they are written and nowhere else.

#ifndef FLOWBOOK_NORMAL_NOISE_H_
#define FLOWBOOK_NORMAL_NOISE_H_

#include <node_api.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "in-parts.h"
#include "javascript-values.h"
#include "new-tensor.h"

#define FLOWBOOK_INLINE static inline __attribute__((always_inline))

namespace flowbook {

// Blocks of four numbers that are made side by side.
constexpr int kLanes = 64;
// A thread is started for at least so many tiles of blocks.
constexpr int64_t kTilesPerThread = 64;

// Four 32-bit words in each lane.
struct Words {
  uint32_t word[4][kLanes];
};

// Philox4x32-10 (Salmon et al., SC 2011).
FLOWBOOK_INLINE void Philox(Words *counter, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; round++) {
    for (int lane = 0; lane < kLanes; lane++) {
      const uint64_t a = uint64_t{0xd2511f53} * counter->word[0][lane];
      const uint64_t b = uint64_t{0xcd9e8d57} * counter->word[2][lane];
      const uint32_t high0 = static_cast<uint32_t>(b >> 32) ^ counter->word[1][lane] ^ key0;
      const uint32_t high1 = static_cast<uint32_t>(a >> 32) ^ counter->word[3][lane] ^ key1;
      counter->word[0][lane] = high0;
      counter->word[1][lane] = static_cast<uint32_t>(b);
      counter->word[2][lane] = high1;
      counter->word[3][lane] = static_cast<uint32_t>(a);
    }
    key0 += 0x9e3779b9;
    key1 += 0xbb67ae85;
  }
}

// c[0] x^n + c[1] x^(n-1) + ... of the coefficients from `at` on, with y what those before gave.
template <int at = 1, int N>
FLOWBOOK_INLINE float Polynomial(const double (&c)[N], float x, float y) {
  if constexpr (at == N) return y;
  else return Polynomial<at + 1>(c, x, __builtin_fmaf(y, x, static_cast<float>(c[at])));
}

template <int N>
FLOWBOOK_INLINE float Polynomial(const double (&c)[N], float x) {
  return Polynomial<1>(c, x, static_cast<float>(c[0]));
}

constexpr double kLog[] = {7.0376836292e-2,  -1.151461031e-1,  1.167699874e-1,
                           -1.2420140846e-1, 1.4249322787e-1,  -1.6668057665e-1,
                           2.0000714765e-1,  -2.4999993993e-1, 3.3333331174e-1};
constexpr double kSin[] = {-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1};
constexpr double kCos[] = {2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2};

// The low 23 bits as the fraction of a number in [0, 1).
FLOWBOOK_INLINE float UnitFloat(uint32_t word) {
  return static_cast<float>(static_cast<int32_t>(word & 0x7fffff)) * 0x1p-23f;
}

// ln x of x > 0, by the polynomial of Moshier's Cephes library (logf.c).
FLOWBOOK_INLINE float Log(float x) {
  int32_t bits;
  std::memcpy(&bits, &x, 4);
  int32_t exponent = (bits >> 23) - 126;
  bits = (bits & 0x807fffff) | 0x3f000000;
  float fraction;
  std::memcpy(&fraction, &bits, 4);
  const bool is_small = fraction < static_cast<float>(0.70710678118654752440);
  exponent -= is_small ? 1 : 0;
  const float m = (fraction - 1.0f) + (is_small ? fraction : 0.0f);
  const float square = m * m;
  const float tail = Polynomial(kLog, m) * m;
  const float e = static_cast<float>(exponent);
  const float low = __builtin_fmaf(tail, square, e * static_cast<float>(-2.1219444e-4));
  const float sum = m + __builtin_fmaf(-square, 0.5f, low);
  return __builtin_fmaf(e, static_cast<float>(0.693359375), sum);
}

// Sine and cosine of 0 <= x < 8192 (Cephes, sinf.c).
FLOWBOOK_INLINE void SinCos(float x, float *sine, float *cosine) {
  const int32_t octant =
      (static_cast<int32_t>(x * static_cast<float>(1.27323954473516)) + 1) & ~1;
  const float multiple = static_cast<float>(octant);
  float r = __builtin_fmaf(multiple, static_cast<float>(-0.78515625), x);
  r = __builtin_fmaf(multiple, static_cast<float>(-2.4187564849853516e-4), r);
  r = __builtin_fmaf(multiple, static_cast<float>(-3.774894977445941e-8), r);
  const float square = r * r;
  const float cos_tail = Polynomial(kCos, square) * square;
  const float c = __builtin_fmaf(cos_tail, square, -(square * 0.5f)) + 1.0f;
  const float s = __builtin_fmaf(Polynomial(kSin, square) * square, r, r);
  const bool is_swapped = (octant & 2) != 0;
  *sine = (is_swapped ? c : s) * ((octant & 4) != 0 ? -1.0f : 1.0f);
  *cosine = (is_swapped ? s : c) * (((octant - 2) & 4) != 0 ? 1.0f : -1.0f);
}

// The key that TensorFlow scrambles a seed pair with before use.
FLOWBOOK_INLINE Words Scramble(const int32_t *seed) {
  Words words;
  for (int lane = 0; lane < kLanes; lane++) {
    for (int at = 0; at < 2; at++) {
      words.word[2 * at][lane] = static_cast<uint32_t>(seed[at]);
      words.word[2 * at + 1][lane] = seed[at] < 0 ? 0xffffffff : 0;
    }
  }
  Philox(&words, 0x3ec8f720, 0x02461e29);
  return words;
}

// Numbers of tiles `first` to before `last` of a row; a tile is kLanes blocks of four numbers.
FLOWBOOK_INLINE void FillRow(const int32_t *seed, float *row, int64_t count, int64_t first,
                             int64_t last) {
  const Words key = Scramble(seed);
  for (int64_t tile = first; tile < last; tile++) {
    Words words;
    for (int lane = 0; lane < kLanes; lane++) {
      const uint64_t block = static_cast<uint64_t>(tile) * kLanes + lane;
      words.word[0][lane] = static_cast<uint32_t>(block);
      words.word[1][lane] = static_cast<uint32_t>(block >> 32);
      words.word[2][lane] = key.word[2][0];
      words.word[3][lane] = key.word[3][0];
    }
    Philox(&words, key.word[0][0], key.word[1][0]);
    float normal[4][kLanes];
    for (int pair = 0; pair < 2; pair++) {
      for (int lane = 0; lane < kLanes; lane++) {
        // Box and Muller (1958).
        const float u = UnitFloat(words.word[2 * pair][lane]);
        const float log = Log(u < 1e-7f ? 1e-7f : u);
        const float radius = __builtin_sqrtf(-2.0f * log);
        const float angle =
            static_cast<float>(6.283185307179586) * UnitFloat(words.word[2 * pair + 1][lane]);
        float sine, cosine;
        SinCos(angle, &sine, &cosine);
        normal[2 * pair][lane] = sine * radius;
        normal[2 * pair + 1][lane] = cosine * radius;
      }
    }
    const int64_t start = tile * kLanes * 4;
    if (start + kLanes * 4 <= count) {
      for (int lane = 0; lane < kLanes; lane++) {
        for (int at = 0; at < 4; at++) row[start + lane * 4 + at] = normal[at][lane];
      }
    } else {
      for (int64_t at = start; at < count; at++) {
        row[at] = normal[(at - start) % 4][(at - start) / 4];
      }
    }
  }
}

using FillRowFunction = void (*)(const int32_t *, float *, int64_t, int64_t, int64_t);

inline void FillRowAnywhere(const int32_t *seed, float *row, int64_t count, int64_t first,
                            int64_t last) {
  FillRow(seed, row, count, first, last);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) inline void FillRowWithVectors(const int32_t *seed, float *row,
                                                                   int64_t count, int64_t first,
                                                                   int64_t last) {
  FillRow(seed, row, count, first, last);
}

inline FillRowFunction FillRowHere() {
  const bool has_vectors = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return has_vectors ? FillRowWithVectors : FillRowAnywhere;
}
#else
inline FillRowFunction FillRowHere() { return FillRowAnywhere; }
#endif

// Fills rows of `count` numbers each, row b from its own seed pair.
inline void FillNormal(const int32_t *seeds, float *values, int64_t rows, int64_t count) {
  const int64_t tiles = (count + kLanes * 4 - 1) / (kLanes * 4);
  const FillRowFunction fill_row = FillRowHere();
  const auto fill = [=](int64_t from, int64_t to) {
    for (int64_t at = from; at < to;) {
      const int64_t row = at / tiles;
      const int64_t first = at % tiles;
      const int64_t last = std::min(tiles, first + to - at);
      fill_row(seeds + 2 * row, values + row * count, count, first, last);
      at += last - first;
    }
  };
  InParts(rows * tiles, kTilesPerThread, fill);
}

// randomNormal(seeds: Int32Array, shape: number[]): {id, shape, dtype}; two words of the seeds belong to each row.
inline napi_value RandomNormal(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  size_t words = 0;
  void *seeds = nullptr;
  napi_get_typedarray_info(env, arguments[0], nullptr, &words, &seeds, nullptr, nullptr);
  NewTensor tensor(env, TF_FLOAT, ReadList(env, arguments[1], ReadInteger));
  if (!tensor.is_there()) return nullptr;
  const int64_t rows = words / 2;
  if (rows > 0) {
    FillNormal(static_cast<const int32_t *>(seeds), static_cast<float *>(tensor.data()), rows,
               tensor.bytes() / 4 / rows);
  }
  return tensor.Register(env);
}

}  // namespace flowbook

#endif  // FLOWBOOK_NORMAL_NOISE_H_
