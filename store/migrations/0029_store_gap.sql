-- Holds a place while several people work at once; removed or replaced before it is released.
SELECT 1;
