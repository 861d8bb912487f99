using System.Linq.Expressions;

namespace Akka.Util.Reflection
{
    public static class ExpressionExtensions
    {
        /// <summary>The values of the constructor's arguments, evaluated now.</summary>
        public static object[] GetArguments(this NewExpression newExpression) => [.. newExpression.Arguments.Select(Evaluate)];

        private static object Evaluate(Expression argument) => argument switch
        {
            ConstantExpression constant => constant.Value,
            MemberExpression { Member: System.Reflection.FieldInfo field, Expression: ConstantExpression closure } => field.GetValue(closure.Value),
            _ => Expression.Lambda<Func<object>>(Expression.Convert(argument, typeof(object))).Compile(preferInterpretation: true)(),
        };
    }
}

namespace Akka.Util
{
    public static class StringFormat
    {
        public static string SafeJoin(string separator, params object[] args) => string.Join(separator, args.Select(a =>
        {
            try
            {
                return a?.ToString() ?? "null";
            }
            catch (Exception e)
            {
                return $"[ToString of {a.GetType().Name} threw {e.GetType().Name}]";
            }
        }));
    }
}
