"""A whole inspection of a 5-megapixel colour frame on one core, beside what people write instead."""
