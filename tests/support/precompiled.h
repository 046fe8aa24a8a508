#pragma once

// As base/precompiled.h, for tests.

#include "base/precompiled.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
