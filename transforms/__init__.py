"""Pure steps, record batch in and out: columns, features, model loading, prediction. No engine, no clock, no chance."""
